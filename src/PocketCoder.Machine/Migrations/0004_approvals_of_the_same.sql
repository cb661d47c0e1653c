-- What was decided before on exactly the same thing is told with each approval: found by its key, not by reading all of them.
CREATE INDEX approvals_of_the_same ON approvals(project_id, reach_key, requested_at) WHERE reach_key IS NOT NULL;
