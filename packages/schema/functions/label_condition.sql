-- The SQL condition by which a value and the number in its key column agree, so that counting numbers counts values: what a
-- format's values begin with, and neither or both of the two null. Without settings of its own, so that it becomes part of the
-- statement that asks: as a call it took a third of what a look at a constraint takes.
create or replace function rekey.label_condition(format_name text, ciphertext_column name, key_column name) returns text
language sql stable
as $$
  select case format_name
    when 'envelope-v1' then
      pg_catalog.format('coalesce(substring(%1$I from 1 for 5) = ''\x01''::bytea || int4send(%2$I), %1$I is null and %2$I is null)',
        ciphertext_column, key_column)
  end
$$;
