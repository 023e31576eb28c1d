#!/usr/bin/env python3
"""Write into each FILE.txtar what DVC makes of the project it holds.

Usage, with a Python that has DVC: record.py FILE.txtar...

The answer becomes the archive's file expected.json. Its fields:
  stages        address -> stage, as `mlops stage ls --json` shows it
  edges         address -> the stages it depends on
  file_errors   pipeline file -> the error for which DVC refuses it
  graph_error   the error of the graph, when every file is good
  error         the error of the project itself
  top_*         sections of each file, paths as they are written
Files of DVC (x.dvc) are stages with that address; they are only in edges.
"""

import datetime
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile

MARK = re.compile(r"^-- (.+?) --\r?\n", re.M)


def plain(v):
    if isinstance(v, dict):
        return {k if isinstance(k, str) else json.dumps(plain(k)): plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple, set)):
        return [plain(x) for x in v]
    if v is None or isinstance(v, bool):
        return v
    if isinstance(v, int):
        return int(v)
    if isinstance(v, float):
        return float(v) if v == v and abs(v) != float("inf") else {"__float__": str(float(v))}
    if isinstance(v, (datetime.date, datetime.datetime)):
        return {"__date__": v.isoformat()}
    return str(v)


class Project:
    def __init__(self, root):
        self.root = root

    def rel(self, p):
        return os.path.relpath(p, self.root).replace(os.sep, "/")

    def path(self, o):
        if o.protocol == "local" and o.fs_path and not os.path.isabs(o.def_path):
            return self.rel(o.fs_path)
        return str(o.def_path).replace(self.root, "<root>")

    def error(self, exc):
        text = re.sub(r"\x1b\[[0-9;]*m", "", f"{type(exc).__name__}: {exc}")
        return text.replace(self.root, "<root>").split("\n")[0]

    def out(self, o):
        d = {"path": self.path(o)}
        if not o.use_cache:
            d["cache"] = False
        if o.persist:
            d["persist"] = True
        if not o.can_push:
            d["push"] = False
        if o.remote:
            d["remote"] = str(o.remote)
        for k in ("desc", "type", "labels", "meta"):
            if getattr(o.annot, k, None):
                d[k] = plain(getattr(o.annot, k))
        if o.metric:
            d["metric"] = plain(o.metric)
        if o.plot:
            d["plot"] = plain(o.plot)
        return d

    def stage(self, s):
        from dvc.dependency import ParamsDependency

        d = {"file": self.rel(s.path), "cmd": plain(s.cmd), "wdir": self.rel(s.wdir)}
        for k in ("frozen", "always_changed"):
            if getattr(s, k):
                d[k] = True
        for k in ("desc", "meta"):
            if getattr(s, k, None) is not None:
                d[k] = plain(getattr(s, k))
        if s.raw_data.generated_from:
            d["group"] = s.raw_data.generated_from
        if getattr(s, "tracked_vars", None):
            d["tracked_vars"] = plain(s.tracked_vars)
        params = [x for x in s.deps if isinstance(x, ParamsDependency)]
        deps = sorted(self.path(x) for x in s.deps if not isinstance(x, ParamsDependency))
        if deps:
            d["deps"] = deps
        if params:
            d["params"] = {self.path(x): sorted(set(map(str, x.params))) or None for x in params}
        if s.outs:
            d["outs"] = sorted((self.out(o) for o in s.outs), key=lambda o: o["path"])
        return d


def resolve(files, tmp):
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.repo.index import Index

    root = os.path.realpath(os.path.join(tmp, "repo"))
    os.mkdir(root)
    subprocess.run(["git", "init", "-q", root], check=True)
    os.chdir(root)
    Repo.init(root).close()
    for name, text in files.items():
        if name == "expected.json":
            continue
        os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
        with open(os.path.join(root, name), "w", newline="", encoding="utf-8") as f:
            f.write(text)
    p = Project(root)
    result = {"stages": {}}
    try:
        repo = Repo(root)
    except Exception as exc:  # noqa: BLE001
        return {"stages": {}, "error": p.error(exc)}
    strict = Index.from_file

    def from_file(repo, path):
        try:
            return strict(repo, path)
        except DvcException:
            raise
        except Exception as exc:
            raise DvcException(p.error(exc)) from exc

    Index.from_file = from_file
    errors = {}
    try:
        index = Index.from_repo(repo, onerror=lambda f, e: errors.__setitem__(f, p.error(e)))
    except Exception as exc:  # noqa: BLE001
        return {"stages": {}, "error": p.error(exc)}
    finally:
        Index.from_file = strict
    if errors:
        result["file_errors"] = dict(sorted(errors.items()))
    for s in sorted(index.stages, key=lambda s: s.addressing):
        if not s.path.endswith(".dvc"):
            result["stages"][s.addressing] = p.stage(s)
    try:
        edges = {}
        for a, b in index.graph.edges():
            edges.setdefault(a.addressing, []).append(b.addressing)
        result["edges"] = {a: sorted(bs) for a, bs in sorted(edges.items())}
    except Exception as exc:  # noqa: BLE001
        result["graph_error"] = p.error(exc)
    for name in ("metrics", "plots", "params", "artifacts", "datasets"):
        x = {p.rel(f): plain(v) for f, v in sorted(getattr(index, "_" + name).items()) if v}
        if x:
            result["top_" + name] = x
    repo.close()
    return result


def record(archive):
    with open(archive, newline="", encoding="utf-8") as f:
        text = f.read()
    parts = MARK.split(text)
    files = dict(zip(parts[1::2], parts[2::2]))
    tmp, cwd = tempfile.mkdtemp(), os.getcwd()
    try:
        os.environ.update(
            DVC_NO_ANALYTICS="1",
            DVC_SYSTEM_CONFIG_DIR=os.path.join(tmp, "sys"),
            DVC_GLOBAL_CONFIG_DIR=os.path.join(tmp, "glob"),
            DVC_SITE_CACHE_DIR=os.path.join(tmp, "site"),
            GIT_CONFIG_GLOBAL=os.devnull,
            GIT_CONFIG_NOSYSTEM="1",
        )
        result = resolve(files, tmp)
    finally:
        os.chdir(cwd)
        shutil.rmtree(tmp, ignore_errors=True)
    cut = text.find("-- expected.json --")
    with open(archive, "w", newline="", encoding="utf-8") as f:
        f.write(text if cut < 0 else text[:cut])
        f.write("-- expected.json --\n")
        f.write(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    logging.getLogger("dvc").setLevel(logging.CRITICAL)
    for name in sys.argv[1:]:
        record(os.path.abspath(name))
