package paramfile

import "errors"

func parsePython([]byte) (any, error) { return nil, errors.New("not built yet") }
