"""What the three stages share: parameters, rows of digits and the model.

Python 3.8 or newer, standard library only.
"""

import csv
import math
from operator import mul

CLASSES = range(10)
BRIGHTEST = 16  # a pixel is 0 (white) to 16 (black)


def read_params(section, path="params.yaml"):
    """Return one section of params.yaml as a dict of numbers.

    Python brings no YAML reader, and this file needs none: `section:` lines,
    and indented `name: number` lines below them. Use a real one for more.
    """
    params, current = {}, None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            text = line.split("#")[0].rstrip()
            if not text:
                continue
            name, _, value = text.partition(":")
            if not value:
                current = name
            elif current == section:
                params[name.strip()] = float(value) if "." in value else int(value)
    return params


def read_rows(path):
    """Return the lines of a CSV file of digits, as (text, pixels, label).

    Pixels are scaled to 0…1, and a 1 is added for the bias of the model.
    """
    rows = []
    with open(path, newline="", encoding="ascii") as file:
        for fields in csv.reader(file):
            *pixels, label = map(int, fields)
            rows.append((",".join(fields), [p / BRIGHTEST for p in pixels] + [1.0], label))
    return rows


def probabilities(weights, pixels):
    """Return the probability of each class: softmax(weights · pixels)."""
    scores = [sum(map(mul, row, pixels)) for row in weights]
    highest = max(scores)  # so that exp() cannot overflow
    powers = [math.exp(s - highest) for s in scores]
    total = sum(powers)
    return [p / total for p in powers]


def measure(weights, rows):
    """Return the mean loss, the accuracy and the predicted classes for rows."""
    loss, predicted = 0.0, []
    for _, pixels, label in rows:
        p = probabilities(weights, pixels)
        loss -= math.log(max(p[label], 1e-12))
        predicted.append(max(CLASSES, key=p.__getitem__))
    right = sum(guess == label for guess, (_, _, label) in zip(predicted, rows))
    return round(loss / len(rows), 4), round(right / len(rows), 4), predicted
