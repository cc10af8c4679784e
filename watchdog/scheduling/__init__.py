"""When and how many: the scheduler only says when, the runner owns every task."""
