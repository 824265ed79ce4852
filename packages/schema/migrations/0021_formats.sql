-- How the values of a target are sealed: each format has its name here, and its layout in packages/envelope/src/formats. Locks
-- rekey.targets for a moment.
alter table rekey.targets add column format text not null default 'envelope-v1' check (format in ('envelope-v1'));
