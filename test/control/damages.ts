/** What happens to a registered table in other people's databases. */
export interface Damage {
  readonly what: string;
  readonly code: string;
  /** What somebody does to the table `TABLE`, a target of that name. */
  readonly sql: string;
  /** Where `rekey.repair_target` is not all of it. */
  readonly mend?: string;
  /** Whether records can be written past the fence meanwhile, under the DEK before: swept again after the repair. */
  readonly unfenced?: boolean;
}

export const swap = `create table TABLE_new (like TABLE including all); insert into TABLE_new select * from TABLE;
  alter table TABLE rename to TABLE_old; alter table TABLE_new rename to TABLE`;

export const damages: Damage[] = [
  { what: 'swapped by an online schema change', code: 'TABLE_REPLACED', sql: swap, unfenced: true },
  {
    what: 'swapped, and the old one dropped',
    code: 'TABLE_REPLACED',
    sql: `${swap}; drop table TABLE_old`,
    unfenced: true,
  },
  {
    what: 'restored by itself, as pg_restore --clean does',
    code: 'TABLE_REPLACED',
    sql: `create table TABLE_rows as select * from TABLE; drop table TABLE;
      create table TABLE (id uuid primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
      insert into TABLE select * from TABLE_rows; create index on TABLE (tenant_id, id)`,
    unfenced: true,
  },
  {
    what: 'renamed',
    code: 'TABLE_GONE',
    sql: 'alter table TABLE rename to TABLE_renamed',
    mend: 'alter table TABLE_renamed rename to TABLE',
  },
  {
    what: 'moved to another schema',
    code: 'TABLE_GONE',
    sql: 'create schema if not exists away; alter table TABLE set schema away',
    mend: 'alter table away.TABLE set schema public',
  },
  {
    what: 'with a column renamed',
    code: 'COLUMN_CHANGED',
    sql: 'alter table TABLE rename ciphertext to sealed',
    mend: 'alter table TABLE rename sealed to ciphertext',
  },
  {
    what: 'with a weaker constraint under the name of ours',
    code: 'LABEL',
    sql: `alter table TABLE drop constraint rekey_label_TABLE;
      alter table TABLE add constraint rekey_label_TABLE check ((key_number is null) = (ciphertext is null))`,
  },
  {
    what: 'with all triggers disabled',
    code: 'TRIGGER',
    sql: 'alter table TABLE disable trigger user',
    unfenced: true,
  },
  {
    what: 'with a trigger for replicas only',
    code: 'TRIGGER',
    sql: 'alter table TABLE enable replica trigger rekey_fence_update_TABLE, enable replica trigger rekey_fence_insert_TABLE',
    unfenced: true,
  },
  {
    what: 'without a counting trigger',
    code: 'TRIGGER',
    sql: 'drop trigger rekey_count_delete_TABLE on TABLE',
  },
  {
    what: 'with a trigger that looks like ours',
    code: 'TRIGGER',
    sql: `create or replace trigger rekey_fence_insert_TABLE after insert on TABLE
      referencing new table as written for each statement when (false) execute function rekey.fence_TABLE()`,
    unfenced: true,
  },
  {
    what: 'with its fence rewritten',
    code: 'FUNCTION',
    sql: `create or replace function rekey.fence_TABLE() returns trigger language plpgsql as 'begin return null; end'`,
    unfenced: true,
  },
  {
    what: 'without its constraint',
    code: 'LABEL',
    sql: 'alter table TABLE drop constraint rekey_label_TABLE',
  },
  {
    what: 'with its constraint not validated',
    code: 'LABEL',
    sql: `alter table TABLE drop constraint rekey_label_TABLE, add constraint rekey_label_TABLE
      check (key_number is not null or ciphertext is null) not valid`,
  },
  {
    what: 'without its index',
    code: 'INDEX',
    sql: 'drop index TABLE_tenant_id_id_idx',
    mend: 'create index on TABLE (tenant_id, id)',
  },
  {
    what: 'with an index that is not valid',
    code: 'INDEX',
    sql: `update pg_index set indisvalid = false where indexrelid = 'TABLE_tenant_id_id_idx'::regclass`,
    mend: 'reindex index TABLE_tenant_id_id_idx',
  },
  {
    what: 'with a child',
    code: 'KIND_OF_TABLE',
    sql: 'create table TABLE_child () inherits (TABLE)',
    mend: 'drop table TABLE_child',
  },
  {
    what: 'with a rule',
    code: 'KIND_OF_TABLE',
    sql: 'create rule r as on update to TABLE do instead nothing',
    mend: 'drop rule r on TABLE',
  },
  {
    what: 'filled by a subscription',
    code: 'SUBSCRIBED',
    sql: `create subscription TABLE_s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none);
      insert into pg_subscription_rel select oid, 'TABLE'::regclass, 'r', null from pg_subscription where subname = 'TABLE_s'`,
    mend: 'drop subscription TABLE_s',
  },
  {
    what: 'unlogged',
    code: 'KIND_OF_TABLE',
    sql: 'alter table TABLE set unlogged',
    mend: 'alter table TABLE set logged',
  },
];
