"""The migration that names the splits of a text as the field does: selection and held-out. See engine.store.schema."""

_JSON_BEFORE_AND_AFTER = (
    ('"half": "choosing"', '"split": "selection"'),
    ('"half": "judging"', '"split": "heldout"'),
    ('"half": "probe"', '"split": "probe"'),
    ('"what": "choosing half"', '"what": "selection set"'),
    ('"what": "judging half"', '"what": "held-out set"'),
    ('"choosing": {', '"selection": {'),
    ('"judging": {', '"heldout": {'),
    ('"judging_sample":', '"heldout_sample":'),
    ('"documents_in_half":', '"documents_in_split":'),
    ('"chosen": {', '"selection": {'),
    ('"judged": {', '"heldout": {'),
    ('"chosen_delta_nll":', '"selection_delta_nll":'),
)
"""Keys and values as json.dumps writes them. A quotation mark inside a JSON string has a backslash before it, so that
none of these occurs within a text."""


def _renamed(column: str) -> str:
    """SQL that gives the JSON in `column` with the new names."""
    sql = column
    for before, after in _JSON_BEFORE_AND_AFTER:
        sql = f"replace({sql}, '{before}', '{after}')"
    return sql


SPLITS = f"""
ALTER TABLE profile_keys RENAME COLUMN half TO split; -- of the text: selection or heldout; probe: items of a probe
UPDATE profile_keys SET split = 'selection' WHERE split = 'choosing';
UPDATE profile_keys SET split = 'heldout' WHERE split = 'judging';
ALTER TABLE sweeps RENAME COLUMN choosing_key_id TO selection_key_id;
ALTER TABLE sweeps RENAME COLUMN judging_key_id TO heldout_key_id;
ALTER TABLE sweep_plans RENAME COLUMN judged_holm_p TO heldout_holm_p;
ALTER TABLE samples RENAME COLUMN documents_in_half TO documents_in_split;
UPDATE sweeps SET cost = {_renamed("cost")};
UPDATE jobs SET request = {_renamed("request")}, result = {_renamed("result")};
"""
