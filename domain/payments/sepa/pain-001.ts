/** Writes a batch of credit transfers as pain.001.001.09, the file that a bank is given to pay many people at once. */
import { assert, fail, orThrow, succeed, type Result } from '../../failures.ts';
import { formatDecimal, fromMinorUnits, toMinorUnits, type Units } from '../../money.ts';
import { parseIban } from './iban.ts';
import { sepaText } from './sepa-text.ts';
import { xml } from './xml-tree.ts';

export const pain001Namespace = 'urn:iso:std:iso:20022:tech:xsd:pain.001.001.09';

/** EPC rulebook: identifiers are at most 35 characters, names 70, free text 140. */
const idForm = /^[a-zA-Z0-9/\-?:().,'+ ]{1,35}$/;
const unitsPerCent = fromMinorUnits(1n, 'EUR');
const amountMax = 99_999_999_999n * unitsPerCent;

export type Party = { readonly name: string; readonly iban: string; readonly bic?: string | null };

export type CreditTransfer = {
  /** Ours, unique for ever: what statuses, statements and returns name the payment by. */
  readonly endToEndId: string;
  /** Units at ledger scale, whole cents. */
  readonly amount: Units;
  readonly creditor: Party;
  readonly remittance: string;
  /** The day on which the bank is to pay, as YYYY-MM-DD. */
  readonly requestedOn: string;
};

export type CreditTransferBatch = {
  readonly messageId: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly debtor: Party;
  readonly transfers: readonly CreditTransfer[];
};

/**
 * One payment information block per execution day, control sums per block and for the file. Refused with
 * `invalid-request`: no transfers, an identifier that is no such or comes twice, an IBAN that does not check out, an
 * amount that no transfer can carry.
 */
export function buildPain001(batch: CreditTransferBatch): Result<string> {
  const refused = firstProblem(batch);
  if (refused !== null) return fail('invalid-request', refused);
  const days = [...new Set(batch.transfers.map(({ requestedOn }) => requestedOn))].toSorted();
  const blocks = days.map((day, index) =>
    block(
      batch,
      blockIdOf(batch.messageId, index + 1),
      day,
      batch.transfers.filter(({ requestedOn }) => requestedOn === day),
    ),
  );
  const document = xml(
    'Document',
    [
      xml('CstmrCdtTrfInitn', [
        xml('GrpHdr', [
          xml('MsgId', batch.messageId),
          xml('CreDtTm', batch.createdAt),
          xml('NbOfTxs', String(batch.transfers.length)),
          xml('CtrlSum', sumOf(batch.transfers)),
          xml('InitgPty', [xml('Nm', sepaText(batch.debtor.name, 70))]),
        ]),
        ...blocks,
      ]),
    ],
    { xmlns: pain001Namespace },
  );
  return succeed(`<?xml version="1.0" encoding="UTF-8"?>\n${document}\n`);
}

/** The bank names a block by it where it speaks of the block as a whole. */
export const blockIdOf = (messageId: string, place: number): string => `${messageId.slice(0, 31)}-${place}`;

/** Cents with two decimals: exact, and never in another notation. */
export const euroText = (amount: Units): string => formatDecimal(toMinorUnits(amount, 'EUR'), 2, 2);

const sumOf = (transfers: readonly CreditTransfer[]): string =>
  euroText(transfers.reduce((sum, { amount }) => sum + amount, 0n));

function firstProblem({ messageId, debtor, transfers }: CreditTransferBatch): string | null {
  if (!idForm.test(messageId)) return 'The message needs an identifier of at most 35 characters.';
  if (transfers.length === 0) return 'A batch needs a transfer.';
  if (!parseIban(debtor.iban).ok) return "The debtor's IBAN does not check out.";
  const ids = new Set<string>();
  for (const transfer of transfers) {
    if (ids.has(transfer.endToEndId)) return 'An end-to-end identifier comes twice.';
    ids.add(transfer.endToEndId);
    const problem = problemOfTransfer(transfer);
    if (problem !== null) return problem;
  }
  return null;
}

/** Why this one cannot stand in any file; null where it can. */
export function problemOfTransfer({
  endToEndId,
  amount,
  creditor,
  requestedOn,
}: CreditTransfer): string | null {
  if (!idForm.test(endToEndId)) return 'An end-to-end identifier is no such.';
  if (!parseIban(creditor.iban).ok) return `The IBAN of ${endToEndId} does not check out.`;
  // A full stop stands for what has no plain form: of them alone no bank can tell whose account it is.
  if (!/[a-zA-Z0-9]/.test(sepaText(creditor.name, 70))) return `The creditor of ${endToEndId} has no name.`;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(requestedOn)) return `The day of ${endToEndId} is no day.`;
  if (amount <= 0n || amount > amountMax || amount % unitsPerCent !== 0n)
    return `The amount of ${endToEndId} is nothing that can be transferred.`;
  return null;
}

function block(
  { debtor }: CreditTransferBatch,
  id: string,
  day: string,
  transfers: readonly CreditTransfer[],
): string {
  assert(transfers.length > 0, 'a payment information block has transfers');
  return xml('PmtInf', [
    xml('PmtInfId', id),
    xml('PmtMtd', 'TRF'),
    // One booking per payment: a return must be told apart from its neighbours.
    xml('BtchBookg', 'false'),
    xml('NbOfTxs', String(transfers.length)),
    xml('CtrlSum', sumOf(transfers)),
    xml('PmtTpInf', [xml('SvcLvl', [xml('Cd', 'SEPA')])]),
    xml('ReqdExctnDt', [xml('Dt', day)]),
    xml('Dbtr', [xml('Nm', sepaText(debtor.name, 70))]),
    xml('DbtrAcct', [account(debtor.iban)]),
    xml('DbtrAgt', [agent(debtor.bic ?? null)]),
    xml('ChrgBr', 'SLEV'),
    ...transfers.map(transfer),
  ]);
}

function transfer({ endToEndId, amount, creditor, remittance }: CreditTransfer): string {
  const text = sepaText(remittance, 140);
  return xml('CdtTrfTxInf', [
    xml('PmtId', [xml('EndToEndId', endToEndId)]),
    xml('Amt', [xml('InstdAmt', euroText(amount), { Ccy: 'EUR' })]),
    ...(creditor.bic == null ? [] : [xml('CdtrAgt', [agent(creditor.bic)])]),
    xml('Cdtr', [xml('Nm', sepaText(creditor.name, 70))]),
    xml('CdtrAcct', [account(creditor.iban)]),
    ...(text === '' ? [] : [xml('RmtInf', [xml('Ustrd', text)])]),
  ]);
}

const account = (iban: string): string => xml('Id', [xml('IBAN', orThrow(parseIban(iban)))]);

/** Without a BIC the bank finds the agent by the IBAN; the element itself is required. */
const agent = (bic: string | null): string =>
  xml('FinInstnId', bic === null ? [xml('Othr', [xml('Id', 'NOTPROVIDED')])] : [xml('BICFI', bic)]);
