-- Each wrapped DEK names the KEK that unwraps it by an identity that stays when the KEK moves (docs/adr/0043). What a local KEK
-- made begins with the fingerprint of its key, so that no key is needed to tell: until now every KEK was local.

-- Made as a generated column and then released from its expression: filled in one pass over the table, without a trigger that
-- would take it for a rewrap, and without an event.
alter table rekey.dek_material add column kek_id text not null generated always as (
  case when starts_with(kek_uri, 'local:') and get_byte(wrapped, 0) = 1
    then 'local:' || encode(substring(wrapped from 2 for 8), 'hex') else kek_uri end) stored;
alter table rekey.dek_material alter column kek_id drop expression;

-- They answer more, or take more, than they did; made anew from functions/. Who called them before can still call them so.
drop function if exists rekey.wrapped_deks(uuid, integer, uuid[], text);
drop function if exists rekey.store_material(uuid, text, bytea);
drop function if exists rekey.create_tenant(uuid, text, uuid, text, bytea);
