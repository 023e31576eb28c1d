"""Fit a softmax regression to prepared/train.csv by stochastic gradient descent.

Writes model.json, and plots/learning_curve.csv with a line for each epoch.
"""

import json
import pathlib
import random

from digits import CLASSES, measure, probabilities, read_params, read_rows


def step(weights, pixels, label, lr):
    """Move the weights against the gradient of the loss of one image."""
    for digit, p in enumerate(probabilities(weights, pixels)):
        pull = lr * ((digit == label) - p)
        weights[digit] = [w + pull * x for w, x in zip(weights[digit], pixels)]


def main():
    params = read_params("train")
    rows = read_rows("prepared/train.csv")
    weights = [[0.0] * len(rows[0][1]) for _ in CLASSES]

    curve = pathlib.Path("plots/learning_curve.csv")
    curve.parent.mkdir(exist_ok=True)
    order = random.Random(params["seed"])
    shuffled = list(rows)
    with open(curve, "w", newline="\n", encoding="ascii") as file:
        print("step,loss,accuracy", file=file)
        for epoch in range(1, params["epochs"] + 1):
            order.shuffle(shuffled)
            for _, pixels, label in shuffled:
                step(weights, pixels, label, params["lr"])
            loss, accuracy, _ = measure(weights, rows)
            print("{},{},{}".format(epoch, loss, accuracy), file=file, flush=True)
    print("loss {}, accuracy {} on the training rows".format(loss, accuracy))

    with open("model.json", "w", encoding="ascii") as file:
        json.dump({"weights": [[round(w, 5) for w in row] for row in weights]}, file)


if __name__ == "__main__":
    main()
