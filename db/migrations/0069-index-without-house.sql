-- Accounts of PSPs, banks, pools and suspense are asked for by name; those of the house never are, they are summed by journal.
-- Yet each bet paid for a row in the index. A question must carry the condition, word for word, to be answered by it.
create index entry_by_party on wallet.entry (account, asset, journal_id)
  where player_id is null and account not like 'house:%';
drop index wallet.entry_by_account;
