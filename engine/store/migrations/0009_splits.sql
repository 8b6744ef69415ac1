-- The splits of a text are called selection and heldout, where they were called choosing and judging.
ALTER TABLE profile_keys RENAME COLUMN half TO split; -- of the text: selection or heldout; probe: items of a probe
UPDATE profile_keys SET split = 'selection' WHERE split = 'choosing';
UPDATE profile_keys SET split = 'heldout' WHERE split = 'judging';
ALTER TABLE sweeps RENAME COLUMN choosing_key_id TO selection_key_id;
ALTER TABLE sweeps RENAME COLUMN judging_key_id TO heldout_key_id;
ALTER TABLE sweep_plans RENAME COLUMN judged_holm_p TO heldout_holm_p;
ALTER TABLE samples RENAME COLUMN documents_in_half TO documents_in_split;

-- Keys and values in JSON, as json.dumps writes them. A quotation mark within a JSON string has a backslash before it,
-- so none of these occurs inside a text.
UPDATE sweeps SET cost = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(cost,
    '"half": "choosing"', '"split": "selection"'),
    '"half": "judging"', '"split": "heldout"'),
    '"half": "probe"', '"split": "probe"'),
    '"what": "choosing half"', '"what": "selection set"'),
    '"what": "judging half"', '"what": "held-out set"'),
    '"choosing": {', '"selection": {'),
    '"judging": {', '"heldout": {'),
    '"judging_sample":', '"heldout_sample":'),
    '"documents_in_half":', '"documents_in_split":'),
    '"chosen": {', '"selection": {'),
    '"judged": {', '"heldout": {'),
    '"chosen_delta_nll":', '"selection_delta_nll":');
UPDATE jobs SET request = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(request,
    '"half": "choosing"', '"split": "selection"'),
    '"half": "judging"', '"split": "heldout"'),
    '"half": "probe"', '"split": "probe"'),
    '"what": "choosing half"', '"what": "selection set"'),
    '"what": "judging half"', '"what": "held-out set"'),
    '"choosing": {', '"selection": {'),
    '"judging": {', '"heldout": {'),
    '"judging_sample":', '"heldout_sample":'),
    '"documents_in_half":', '"documents_in_split":'),
    '"chosen": {', '"selection": {'),
    '"judged": {', '"heldout": {'),
    '"chosen_delta_nll":', '"selection_delta_nll":');
UPDATE jobs SET result = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(result,
    '"half": "choosing"', '"split": "selection"'),
    '"half": "judging"', '"split": "heldout"'),
    '"half": "probe"', '"split": "probe"'),
    '"what": "choosing half"', '"what": "selection set"'),
    '"what": "judging half"', '"what": "held-out set"'),
    '"choosing": {', '"selection": {'),
    '"judging": {', '"heldout": {'),
    '"judging_sample":', '"heldout_sample":'),
    '"documents_in_half":', '"documents_in_split":'),
    '"chosen": {', '"selection": {'),
    '"judged": {', '"heldout": {'),
    '"chosen_delta_nll":', '"selection_delta_nll":');
