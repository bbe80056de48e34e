-- Acts that leave no row of their own made of the caller's key: a word on something that is there already, as a
-- decision, an end or a return. The id is made of scope, caller and key; whoever comes second with it waits for the
-- first one's commit, and finds what the key meant and what came of it.
create table compliance.keyed_act (
  id uuid primary key,
  fingerprint bytea not null check (length(fingerprint) = 32),
  -- What exactly it was done to, where the caller's address does not tell and a repeat must find it.
  about text,
  -- What a repeat is told where the row that was acted on does not tell it; no personal data.
  answer text,
  acted_at timestamptz not null default now()
);
create trigger keyed_act_content before update of id, fingerprint, about, acted_at or delete on compliance.keyed_act
  for each row execute function compliance.refuse_change();
create trigger keyed_act_answer before update of answer on compliance.keyed_act
  for each row when (old.answer is not null and new.answer is distinct from old.answer)
  execute function compliance.refuse_change();
create trigger append_only_table before truncate on compliance.keyed_act
  for each statement execute function compliance.refuse_change();
revoke delete, truncate on compliance.keyed_act from pitboss_writer;
