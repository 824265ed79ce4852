-- Of what a function does and with whose rights.
create or replace function rekey.function_digest(source text, as_owner boolean, settings text[]) returns text
language sql immutable
as $$ select md5(as_owner || coalesce(array_to_string(settings, ','), '') || source) $$;
