-- Tables and columns named after what they hold.
ALTER TABLE profile_keys RENAME TO measurement_keys;
ALTER TABLE plan_figures RENAME TO plan_measurements;
ALTER TABLE plans_used RENAME TO plans;
ALTER TABLE plans RENAME COLUMN used_at TO first_used_at;
ALTER TABLE neuron_order RENAME TO neuron_ranks;
ALTER TABLE probe_results RENAME COLUMN rights TO correct;
ALTER TABLE base_checks RENAME COLUMN own_begin TO own_prefix;
ALTER TABLE base_checks RENAME COLUMN other_begin TO other_prefix;
ALTER TABLE sweeps RENAME COLUMN begun_at TO started_at;
ALTER TABLE sweeps RENAME COLUMN by_chance TO best_by_chance;
ALTER TABLE jobs RENAME COLUMN doing TO stage;
ALTER TABLE jobs RENAME COLUMN stop TO requested_stop;
ALTER TABLE jobs RENAME COLUMN held_behind TO held_by_job;
ALTER TABLE jobs RENAME COLUMN setbacks TO stalled_attempts;
ALTER TABLE jobs RENAME COLUMN furthest TO most_progress;
ALTER TABLE workers RENAME COLUMN lock TO lock_file;
ALTER TABLE workers RENAME COLUMN seen_at TO heartbeat_at;
