-- In which order the ids stood when a range was cut, where that may become another one: between the same bounds there are
-- other ids then, and what was proved is not.
alter table rekey.rotation_ranges add column id_order text;
