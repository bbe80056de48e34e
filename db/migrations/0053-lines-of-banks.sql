-- Banks count statements anew for each account, and notices beside them: the same number may stand on two lines that have
-- nothing to do with each other. One of them was not kept, and its payout of a PSP stayed unmatched.
alter table payments.bank_line drop constraint bank_line_statement_id_line_key;
alter table payments.bank_line
  add constraint bank_line_once unique (statement_id, line, account, booked_on, amount, reference);
