import { type Fault, sql } from './fault.ts';

/** Who may what: a role with too few rights, with too many, or shut out. */
export const faultsOfRights: readonly Fault[] = [
  sql(
    'rows may be hidden from workers',
    ['RIGHTS_MISSING'],
    'alter table credentials enable row level security',
    'alter table credentials disable row level security',
  ),
  sql(
    'a worker lacks a function',
    ['RIGHTS_MISSING'],
    'revoke execute on function rekey.switch_to_dek from rekey_worker',
    "select rekey.grant_worker('rekey_worker')",
  ),
  sql(
    'a worker may not write what it re-encrypts',
    ['RIGHTS_MISSING'],
    'revoke update (ciphertext) on secrets from rekey_worker',
    'grant update (ciphertext) on secrets to rekey_worker',
  ),
  sql(
    'the API may read wrapped keys',
    ['RIGHTS_EXCESS'],
    'grant select on rekey.dek_material to rekey_api',
    'revoke select on rekey.dek_material from rekey_api',
  ),
  sql(
    'everybody may destroy a key',
    ['PUBLIC_RIGHTS', 'RIGHTS_EXCESS', 'RIGHTS_EXCESS'],
    'grant execute on function rekey.destroy_dek to public',
    'revoke execute on function rekey.destroy_dek from public',
  ),
  sql(
    'a worker may not use the schema',
    ['RIGHTS_MISSING'],
    'revoke usage on schema rekey from rekey_worker',
    'grant usage on schema rekey to rekey_worker',
  ),
  sql(
    'a worker may not log in',
    ['ROLE_SHUT_OUT'],
    'alter role rekey_worker nologin',
    'alter role rekey_worker login',
  ),
  sql(
    "the API's password has run out",
    ['ROLE_SHUT_OUT'],
    "alter role rekey_api valid until '2020-01-01'",
    "alter role rekey_api valid until 'infinity'",
  ),
  sql(
    'an application with one connection',
    ['ROLE_SHUT_OUT'],
    'alter role rekey_app connection limit 1',
    'alter role rekey_app connection limit -1',
  ),
  sql(
    'nobody but the owner may connect',
    ['ROLE_SHUT_OUT', 'ROLE_SHUT_OUT', 'ROLE_SHUT_OUT', 'ROLE_SHUT_OUT'],
    'revoke connect on database rekey from public',
    'grant connect on database rekey to public',
  ),
  sql(
    'the worker is a superuser',
    ['ROLE_TOO_POWERFUL'],
    'alter role rekey_worker superuser',
    'alter role rekey_worker nosuperuser',
  ),
  sql(
    'a role that was granted rights is gone',
    ['ROLE_GONE'],
    "insert into rekey.granted_roles values ('rekey_gone', 'worker')",
    "delete from rekey.granted_roles where role_name = 'rekey_gone'",
  ),
];
