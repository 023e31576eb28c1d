package mlflow

// Fields are what the endpoints read, by method and path.
func (s *Service) Fields() map[string][]string {
	all := map[string][]string{}
	for _, group := range s.groups() {
		for _, e := range group {
			var names []string
			for _, rule := range e.schema {
				names = append(names, rule.name)
			}
			all[e.method+" /api/2.0/mlflow/"+e.path] = names
		}
	}
	return all
}
