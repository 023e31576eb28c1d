LR = 0.1
OTHER = 2
class Net:
    depth = 3
    width = 4
