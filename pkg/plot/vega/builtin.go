package vega

import "maps"

// object and list are JSON values as encoding/json decodes them.
type (
	object = map[string]any
	list   = []any
)

// anchor is the word that stands for a value.
func anchor(name string) string { return "<DVC_METRIC_" + name + ">" }

// Names lists the built-in templates.
func Names() []string {
	return []string{
		"simple", "linear", "confusion", "confusion_normalized", "scatter", "scatter_jitter", "smooth",
		"bar_horizontal_sorted", "bar_horizontal",
	}
}

// Builtin returns the specification of a built-in template, with its anchors.
func Builtin(name string) (map[string]any, bool) {
	switch name {
	case "simple":
		return simple(), true
	case "linear", "smooth":
		return linear(), true
	case "confusion":
		return confusion(), true
	case "confusion_normalized":
		return confusionNormalized(), true
	case "scatter":
		return scatter(), true
	case "scatter_jitter":
		return scatterJitter(), true
	case "bar_horizontal":
		return bars(nil), true
	case "bar_horizontal_sorted":
		return bars("-x"), true
	default:
		return nil, false
	}
}

// chart is what all templates have.
func chart(more object) object {
	o := object{
		"$schema": "https://vega.github.io/schema/vega-lite/v5.json",
		"data":    object{"values": anchor("DATA")},
		"title":   object{"text": anchor("TITLE"), "anchor": "middle"},
	}
	return with(o, more)
}

// sized is a chart of one panel.
func sized(more object) object {
	return with(chart(more), object{"width": anchor("PLOT_WIDTH"), "height": anchor("PLOT_HEIGHT")})
}

func with(o, more object) object {
	maps.Copy(o, more)
	return o
}

// axisOf is the encoding of x or y.
func axisOf(name, kind string, more object) object {
	o := object{"field": anchor(name), "title": anchor(name + "_LABEL")}
	if kind != "" {
		o["type"] = kind
	}
	return with(o, more)
}

const (
	quantitative = "quantitative"
	nominal      = "nominal"
)

func anyZero() object { return object{"scale": object{"zero": false}} }

func simple() object {
	return sized(object{
		"params": list{anchor("ZOOM_AND_PAN")},
		"mark":   object{"type": "line", "tooltip": object{"content": "data"}},
		"encoding": object{
			"x": axisOf("X", quantitative, nil), "y": axisOf("Y", quantitative, anyZero()),
			"color": anchor("COLOR"), "strokeDash": anchor("STROKE_DASH"), "tooltip": anchor("TOOLTIP"),
		},
	})
}

func scatter() object {
	return sized(object{
		"params": list{anchor("ZOOM_AND_PAN")},
		"mark":   object{"type": "point", "tooltip": object{"content": "data"}},
		"encoding": object{
			"x": axisOf("X", quantitative, nil), "y": axisOf("Y", quantitative, nil),
			"color": anchor("COLOR"), "shape": anchor("SHAPE"), "tooltip": anchor("TOOLTIP"),
		},
	})
}

func scatterJitter() object {
	return sized(object{
		"transform": list{object{"calculate": "random()", "as": "randomX"}, object{"calculate": "random()", "as": "randomY"}},
		"mark":      object{"type": "point", "tooltip": object{"content": "data"}},
		"encoding": object{
			"x": axisOf("X", "", nil), "y": axisOf("Y", "", nil),
			"color": anchor("COLOR"), "shape": anchor("SHAPE"), "tooltip": anchor("TOOLTIP"),
			"xOffset": object{"field": "randomX", "type": quantitative}, "yOffset": object{"field": "randomY", "type": quantitative},
		},
	})
}

func bars(sort any) object {
	y := axisOf("Y", nominal, nil)
	if sort != nil {
		y["sort"] = sort
	}
	return sized(object{
		"params": list{anchor("ZOOM_AND_PAN")},
		"mark":   object{"type": "bar"},
		"encoding": object{
			"x": axisOf("X", quantitative, anyZero()), "y": y,
			"yOffset": object{"field": revField, "sort": list{}}, "color": anchor("COLOR"), "column": anchor("COLUMN"),
		},
	})
}

// linear has a slider for how smooth its curves are, and a rule that shows the
// values under the pointer.
func linear() object {
	byRev := object{"field": revField, "type": nominal}
	raw := object{
		"mark":     object{"type": "line", "opacity": 0.2},
		"encoding": object{"x": axisOf("X", quantitative, nil), "y": axisOf("Y", quantitative, anyZero()), "color": byRev},
	}
	smoothed := object{
		"layer": list{
			object{"params": list{anchor("ZOOM_AND_PAN")}, "mark": "line"},
			object{"transform": list{object{"filter": object{"param": "hover", "empty": false}}}, "mark": "point"},
		},
		"encoding": object{"y": axisOf("Y", quantitative, anyZero()), "color": byRev},
		"transform": list{object{
			"loess": anchor("Y"), "on": anchor("X"), "groupby": anchor("GROUP_BY"), "bandwidth": object{"signal": "smooth"},
		}},
	}
	last := object{
		"mark": object{"type": "circle", "size": 10.0},
		"encoding": object{
			"x":     axisOf("X", quantitative, object{"aggregate": "max"}),
			"y":     axisOf("Y", quantitative, with(anyZero(), object{"aggregate": object{"argmax": anchor("X")}})),
			"color": byRev,
		},
	}
	rule := object{
		"transform": list{
			object{"calculate": anchor("PIVOT_FIELD"), "as": "pivot_field"},
			object{"pivot": "pivot_field", "op": "mean", "value": anchor("Y"), "groupby": list{anchor("X")}},
		},
		"mark": object{"type": "rule", "tooltip": object{"content": "data"}, "stroke": "grey"},
		"encoding": object{"opacity": object{
			"condition": object{"value": 0.3, "param": "hover", "empty": false}, "value": 0.0,
		}},
		"params": list{object{"name": "hover", "select": object{
			"type": "point", "fields": list{anchor("X")}, "nearest": true, "on": "mouseover", "clear": "mouseout",
		}}},
	}
	return sized(object{
		"params": list{object{"name": "smooth", "value": 0.001, "bind": object{"input": "range", "min": 0.001, "max": 1.0, "step": 0.001}}},
		"encoding": object{
			"x": axisOf("X", quantitative, nil), "color": anchor("COLOR"), "strokeDash": anchor("STROKE_DASH"),
		},
		"layer": list{smoothed, raw, last, rule},
	})
}

// matrix is what both confusion templates share: a facet for each revision,
// counts filled up with zeros, and fields that light up.
func matrix(zeros any, fraction list, color, tip, text object) object {
	named := func(name string) object { return object{"field": anchor(name), "type": nominal} }
	return object{
		"facet": object{"column": object{"field": revField, "sort": list{}}, "row": anchor("ROW")},
		"spec": object{
			"transform": append(list{
				object{"aggregate": list{object{"op": "count", "as": "xy_count"}}, "groupby": list{anchor("Y"), anchor("X")}},
				object{"impute": "xy_count", "groupby": zeros, "key": anchor("X"), "value": 0.0},
				object{"impute": "xy_count", "groupby": anchor("GROUP_BY_X"), "key": anchor("Y"), "value": 0.0},
			}, fraction...),
			"encoding": object{
				"x": axisOf("X", nominal, object{"sort": "ascending"}),
				"y": axisOf("Y", nominal, object{"sort": "ascending"}),
			},
			"layer": list{
				object{
					"mark": "rect", "width": anchor("PLOT_WIDTH"), "height": anchor("PLOT_HEIGHT"),
					"encoding": object{"color": with(object{"type": quantitative, "title": ""}, color)},
				},
				object{
					"selection": object{"label": object{
						"type": "single", "on": "mouseover", "encodings": list{"x", "y"}, "empty": "none", "clear": "mouseout",
					}},
					"mark": "rect",
					"encoding": object{
						"tooltip": list{named("X"), named("Y"), with(object{"type": quantitative}, tip)},
						"opacity": object{"condition": object{"selection": "label", "value": 1.0}, "value": 0.0},
					},
				},
				object{
					"transform": list{object{"filter": object{"selection": "label"}}},
					"layer":     list{object{"mark": object{"type": "rect", "color": "lightpink"}}},
				},
				object{"mark": "text", "encoding": text},
			},
		},
	}
}

func whiteAbove(field string) object {
	return object{"condition": object{"test": "datum." + field + " > 0.5", "value": "white"}, "value": "black"}
}

func confusion() object {
	o := matrix(anchor("GROUP_BY_Y"), list{
		object{"joinaggregate": list{object{"op": "max", "field": "xy_count", "as": "max_count"}}, "groupby": list{}},
		object{"calculate": "datum.xy_count / datum.max_count", "as": "percent_of_max"},
	}, object{"field": "xy_count", "scale": object{"domainMin": 0.0, "nice": true}}, object{"field": "xy_count"}, object{
		"text":  object{"condition": object{"param": "showValues", "field": "xy_count", "type": quantitative}},
		"color": whiteAbove("percent_of_max"),
	})
	o["params"] = list{object{"name": "showValues", "bind": object{"input": "checkbox"}}}
	return chart(o)
}

func confusionNormalized() object {
	return chart(matrix(list{revField, anchor("Y")}, list{
		object{"joinaggregate": list{object{"op": "sum", "field": "xy_count", "as": "sum_y"}}, "groupby": list{anchor("Y")}},
		object{"calculate": "datum.xy_count / datum.sum_y", "as": "percent_of_y"},
	}, object{"field": "percent_of_y", "scale": object{"domain": list{0.0, 1.0}}}, object{"field": "percent_of_y", "format": ".2f"}, object{
		"color": whiteAbove("percent_of_y"),
	}))
}
