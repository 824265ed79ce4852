-- What appends to it and what folds it are an insert and a delete. It has no key, so in a publication for all tables Postgres
-- refused the latter, and changes piled up. Costs nothing where nothing is published. Where somebody who has written a record
-- keeps a transaction open it is passed over: nobody is to wait behind it, and rekey.fold_counts does it once it meets that.
do $$
begin
  alter table rekey.record_deltas replica identity full;
exception when lock_not_available then
  null;
end
$$;
