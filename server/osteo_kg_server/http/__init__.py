"""HTTP as every view uses it: negotiation, parameters, endpoints, responses and problems."""
