-- Lines of a dispute by the PSP's name of it: which of its movements a line tells is counted.
create index settlement_line_disputed on payments.settlement_line (psp, psp_reference)
  where kind in ('dispute', 'dispute-reversal');

-- Files are read by ranges: kept as they are, a range is found without unpacking all that lies before it.
alter table payments.settlement_file alter column content set storage external;
