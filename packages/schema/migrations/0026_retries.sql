-- A rotation may sweep what an earlier one left, to the DEK that the earlier one switched to (docs/adr/0050).
alter table rekey.rotations
  add column retry_of uuid references rekey.rotations,
  drop constraint rotations_new_dek_id_key;
-- A DEK is made for one rotation, and swept to by that one and its retries.
create unique index rotations_one_per_dek on rekey.rotations (new_dek_id) where retry_of is null;
create index rotations_by_dek on rekey.rotations (new_dek_id);
create index rotations_retries on rekey.rotations (retry_of) where retry_of is not null;
