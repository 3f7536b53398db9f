"""The HTTP half of the dashboard: routes, access, page requests, live updates, error pages."""
