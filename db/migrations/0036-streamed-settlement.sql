-- Lines of a dispute by the PSP's name of it: which of its movements a line tells is counted.
create index settlement_line_disputed on payments.settlement_line (psp, psp_reference)
  where kind in ('dispute', 'dispute-reversal');
