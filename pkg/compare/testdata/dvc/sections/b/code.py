LR = 0.2
OTHER = 3
class Net:
    depth = 4
    width = 5
