"""Split the images of data/ into prepared/train.csv and prepared/test.csv.

The side of a row depends on its own content and the seed alone, so a row stays
where it is when more data arrives, and copies of a row never sit on both sides.
"""

import hashlib
import pathlib

from digits import read_params, read_rows


def is_test(row, seed, share):
    digest = hashlib.sha256("{}:{}".format(seed, row).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def main():
    params = read_params("prepare")
    train, test = [], []
    for path in sorted(pathlib.Path("data").glob("*.csv")):
        for text, _, _ in read_rows(path):
            side = test if is_test(text, params["seed"], params["test_share"]) else train
            side.append(text + "\n")

    out = pathlib.Path("prepared")
    out.mkdir(exist_ok=True)
    for name, rows in (("train.csv", train), ("test.csv", test)):
        with open(out / name, "w", newline="\n", encoding="ascii") as file:
            file.writelines(rows)
    print("{} rows to train on, {} to test with".format(len(train), len(test)))


if __name__ == "__main__":
    main()
