-- What a person's database role needs to look after all this by the manual (docs/operations.md), without being the owner of
-- the schema or a superuser: to register, check, repair and unregister tables, to see what rotations did and what holds
-- them up, to recount, to cancel, and to end the life of a DEK. It reads neither key material nor ciphertexts. To see who
-- is in a transaction and to end it, it takes membership in pg_read_all_stats and pg_signal_backend besides.
create or replace function rekey.grant_operator(role_name name) returns void
language sql
as $$ select rekey.set_rights(role_name, 'operator') $$;
