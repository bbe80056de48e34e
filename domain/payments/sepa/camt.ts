/** Reads camt.053 (statements) and camt.054 (notices) into lines: what moved on our account, each once, exactly. */
import { fail, succeed, type Result } from '../../failures.ts';
import { assetOf, parseDecimal, type Units } from '../../money.ts';
import { findCreditorReference, isCreditorReference } from './creditor-reference.ts';
import { childrenOf, elementAt, textAt, type XmlElement } from './xml-tree.ts';

export type BankLine = {
  /** From 1, in the order of the document. */
  readonly line: number;
  /** YYYY-MM-DD. */
  readonly bookedOn: string;
  /** Units at ledger scale; negative where money left our account. */
  readonly amount: Units;
  readonly asset: string;
  readonly endToEndId: string | null;
  /** A creditor reference of ours, else what the sender wrote, else the bank's own. */
  readonly reference: string;
  /**
   * The bank's own name for the movement, the same in notice and statement; null where it gives none. Payments of one entry
   * that share its name have their place in it behind a slash.
   */
  readonly bankReference: string | null;
  /** Of the other side. */
  readonly counterpartyName: string | null;
  readonly counterpartyIban: string | null;
  /** Set where the line takes back an earlier payment. */
  readonly returnReason: string | null;
};

export type BankStatement = {
  readonly kind: 'statement' | 'notice';
  /** With the number of its page, where that is not the first. */
  readonly statementId: string;
  readonly account: string;
  readonly lines: readonly BankLine[];
};

const kinds = {
  BkToCstmrStmt: { kind: 'statement', part: 'Stmt' },
  BkToCstmrDbtCdtNtfctn: { kind: 'notice', part: 'Ntfctn' },
} as const;

/**
 * Reads the document, all of its statements. Refused with `invalid-request` where it contradicts itself: an amount
 * that is none, an unknown currency, payments that do not add up to their entry, lines that do not lead from the
 * opening to the closing balance. Entries that are not booked yet are left out.
 */
export function readCamt(document: XmlElement): Result<readonly BankStatement[]> {
  const root = document.children.find((child) => child.name in kinds);
  const form = root === undefined ? undefined : kinds[root.name as keyof typeof kinds];
  if (document.name !== 'Document' || root === undefined || form === undefined)
    return fail('invalid-request', 'The document is neither a statement nor a notice.');
  const statements: BankStatement[] = [];
  for (const part of childrenOf(root, form.part)) {
    const read = readStatement(part, form.kind);
    if (!read.ok) return read;
    statements.push(read.value);
  }
  return statements.length === 0 ? fail('invalid-request', 'The document is empty.') : succeed(statements);
}

function readStatement(part: XmlElement, kind: BankStatement['kind']): Result<BankStatement> {
  const statementId = idOfPage(part);
  const account = textAt(part, 'Acct/Id/IBAN') ?? textAt(part, 'Acct/Id/Othr/Id');
  if (statementId === null || account === null)
    return fail('invalid-request', 'A statement lacks its identifier or its account.');
  const lines: BankLine[] = [];
  for (const entry of childrenOf(part, 'Ntry')) {
    if ((textAt(entry, 'Sts/Cd') ?? textAt(entry, 'Sts')) !== 'BOOK') continue;
    const read = readEntry(entry, lines.length);
    if (!read.ok) return read;
    lines.push(...read.value);
  }
  const gap = kind === 'statement' ? balanceGap(part, lines) : succeed(0n);
  if (!gap.ok) return gap;
  return gap.value === 0n
    ? succeed({ kind, statementId, account, lines })
    : fail('invalid-request', 'The lines do not lead from the opening to the closing balance.');
}

/** Pages of one statement share its identifier, and each begins its lines anew. */
function idOfPage(part: XmlElement): string | null {
  const id = textAt(part, 'Id');
  const page = textAt(part, 'StmtPgntn/PgNb') ?? textAt(part, 'NtfctnPgntn/PgNb');
  return id === null || page === null || Number(page) === 1 ? id : `${id}/${page}`;
}

type Money = { readonly units: Units; readonly asset: string };

function signedAmount(element: XmlElement, fallbackSign: string | null): Result<Money> {
  const amount = elementAt(element, 'Amt');
  const code = amount?.attributes['Ccy'] ?? '';
  const asset = assetOf(code);
  if (!asset.ok) return fail('invalid-request', 'A currency is unknown.');
  // ISO 20022 amounts carry no sign: the indicator beside them does.
  if (!/^\d{1,18}(\.\d{1,5})?$/.test(amount?.text.trim() ?? ''))
    return fail('invalid-request', 'An amount is none.');
  const units = parseDecimal(amount?.text.trim() ?? '', asset.value.ledgerScale);
  if (!units.ok) return fail('invalid-request', 'An amount is none.');
  const sign = textAt(element, 'CdtDbtInd') ?? fallbackSign;
  if (sign !== 'CRDT' && sign !== 'DBIT') return fail('invalid-request', 'An amount has no direction.');
  return succeed({ units: sign === 'CRDT' ? units.value : -units.value, asset: code });
}

function readEntry(entry: XmlElement, before: number): Result<BankLine[]> {
  const whole = signedAmount(entry, null);
  if (!whole.ok) return whole;
  const bookedOn = (textAt(entry, 'BookgDt/Dt') ?? textAt(entry, 'BookgDt/DtTm') ?? '').slice(0, 10);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(bookedOn))
    return fail('invalid-request', 'An entry lacks its booking day.');
  const payments = childrenOf(entry, 'NtryDtls').flatMap((details) => childrenOf(details, 'TxDtls'));
  const direction = textAt(entry, 'CdtDbtInd');
  const parts: { payment: XmlElement | null; money: Money }[] = [];
  for (const payment of payments) {
    // A single payment may leave its amount to the entry.
    const money =
      elementAt(payment, 'Amt') === null && payments.length === 1 ? whole : signedAmount(payment, direction);
    if (!money.ok) return money;
    parts.push({ payment, money: money.value });
  }
  if (parts.length === 0) parts.push({ payment: null, money: whole.value });
  const sum = parts.reduce((total, { money }) => total + money.units, 0n);
  if (sum !== whole.value.units || parts.some(({ money }) => money.asset !== whole.value.asset))
    return fail('invalid-request', 'The payments of an entry do not add up to it.');
  const names = namesOf(entry, payments);
  return succeed(
    parts.map(({ payment, money }, index) => ({
      ...lineOf(entry, payment, money, bookedOn, before + index + 1),
      bankReference: names[index] ?? null,
    })),
  );
}

/**
 * The bank names a payment, or only the entry that it booked several payments in, by `AcctSvcrRef`. `NtryRef` is none of
 * its names for a movement: banks count it anew in every statement, or write the same into all entries of an account.
 */
function namesOf(entry: XmlElement, payments: readonly XmlElement[]): readonly (string | null)[] {
  const ofEntry = textAt(entry, 'AcctSvcrRef');
  const given = payments.map((payment) => textAt(payment, 'Refs/AcctSvcrRef') ?? ofEntry);
  if (given.length === 0) return [ofEntry];
  return given.map((name, index) =>
    name !== null && given.some((other, place) => place !== index && other === name)
      ? partName(name, index + 1)
      : name,
  );
}

/** How a payment is called whose entry has a name for all of its payments only. */
export const partName = (entryName: string, place: number): string => `${entryName}/${place}`;

function lineOf(
  entry: XmlElement,
  payment: XmlElement | null,
  { units, asset }: Money,
  bookedOn: string,
  line: number,
): Omit<BankLine, 'bankReference'> {
  const endToEndId = textAt(payment, 'Refs/EndToEndId');
  const isReversal = textAt(entry, 'RvslInd') === 'true' || textAt(entry, 'RvslInd') === '1';
  const returned = elementAt(payment, 'RtrInf');
  const reason = textAt(returned, 'Rsn/Cd') ?? textAt(returned, 'Rsn/Prtry');
  // In a return the roles are those of the first payment, so the other side is still the creditor.
  const isFromUs = units < 0n || returned !== null || isReversal;
  const other = isFromUs ? 'Cdtr' : 'Dbtr';
  const parties = elementAt(payment, 'RltdPties');
  return {
    line,
    bookedOn,
    amount: units,
    asset,
    // What banks write where there is none.
    endToEndId: endToEndId === 'NOTPROVIDED' ? null : endToEndId,
    reference: referenceOf(entry, payment),
    counterpartyName: textAt(parties, `${other}/Pty/Nm`) ?? textAt(parties, `${other}/Nm`),
    counterpartyIban: textAt(parties, `${other}Acct/Id/IBAN`),
    returnReason: returned !== null || isReversal ? (reason ?? 'NARR') : null,
  };
}

function referenceOf(entry: XmlElement, payment: XmlElement | null): string {
  const remittance = elementAt(payment, 'RmtInf');
  const structured = childrenOf(remittance, 'Strd').flatMap(
    (part) => textAt(part, 'CdtrRefInf/Ref')?.replace(/\s/g, '').toUpperCase() ?? [],
  );
  const written = childrenOf(remittance, 'Ustrd').map(({ text }) => text.trim());
  const ours = structured.find(isCreditorReference) ?? findCreditorReference(written.join(' '));
  const other = structured[0] ?? written.join(' ');
  const bank = shownName(entry, payment);
  return (ours ?? (other === '' ? bank : other) ?? '').slice(0, 140);
}

/** For people to read; the movement's name is another matter. */
const shownName = (entry: XmlElement, payment: XmlElement | null): string | null =>
  textAt(payment, 'Refs/AcctSvcrRef') ?? textAt(entry, 'AcctSvcrRef') ?? textAt(entry, 'NtryRef');

/** Closing less opening less lines; a statement without both balances proves nothing and is taken as it is. */
function balanceGap(part: XmlElement, lines: readonly BankLine[]): Result<Units> {
  const at = (...codes: string[]) =>
    childrenOf(part, 'Bal').find((balance) => codes.includes(textAt(balance, 'Tp/CdOrPrtry/Cd') ?? ''));
  const [opening, closing] = [at('OPBD', 'PRCD'), at('CLBD')];
  if (opening === undefined || closing === undefined) return succeed(0n);
  const [from, to] = [signedAmount(opening, null), signedAmount(closing, null)];
  if (!from.ok) return from;
  if (!to.ok) return to;
  return succeed(to.value.units - from.value.units - lines.reduce((sum, { amount }) => sum + amount, 0n));
}
