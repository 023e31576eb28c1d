"""Measure model.json on prepared/test.csv, which it was not trained on.

Writes metrics.json, and plots/confusion.csv with a line for each image.
"""

import json
import pathlib

from digits import measure, read_rows


def main():
    with open("model.json", encoding="ascii") as file:
        weights = json.load(file)["weights"]
    rows = read_rows("prepared/test.csv")
    loss, accuracy, predicted = measure(weights, rows)

    with open("metrics.json", "w", encoding="ascii") as file:
        json.dump({"test": {"accuracy": accuracy, "loss": loss, "images": len(rows)}}, file, indent=2)
        file.write("\n")

    pathlib.Path("plots").mkdir(exist_ok=True)
    with open("plots/confusion.csv", "w", newline="\n", encoding="ascii") as file:
        print("actual,predicted", file=file)
        for (_, _, label), guess in zip(rows, predicted):
            print("{},{}".format(label, guess), file=file)
    print("loss {}, accuracy {} on {} unseen images".format(loss, accuracy, len(rows)))


if __name__ == "__main__":
    main()
