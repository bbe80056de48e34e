/** Reads a pain.001 as a bank does: who is to be paid, and whether the file's own sums are right. */
import { XMLParser } from 'fast-xml-parser';

export interface OrderedPayment {
  endToEndId: string;
  cents: number;
  name: string;
  iban: string;
  text: string;
}

export interface TransferFile {
  messageId: string;
  blockIds: string[];
  debtorIban: string;
  payments: OrderedPayment[];
}

const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, removeNSPrefix: true });

type Node = { [name: string]: Node | Node[] | string | undefined };

const many = (value: Node[string]): Node[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value as Node];
const inside = (node: Node, path: string): string => {
  let found: Node[string] = node;
  for (const name of path.split('/'))
    found = typeof found === 'object' && !Array.isArray(found) ? found[name] : undefined;
  return typeof found === 'string' ? found : '';
};

/** Whole cents of a decimal text, without a float in between. */
export function centsOf(text: string): number {
  const match = /^(\d{1,12})(?:\.(\d{1,2}))?$/.exec(text);
  if (match === null) throw new Error('AM01');
  return Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'));
}

/** Throws an ISO reason code: FF01 for an unreadable file, AM10 for wrong sums. */
export function readTransferFile(xml: string): TransferFile {
  if (!xml.includes('urn:iso:std:iso:20022:tech:xsd:pain.001.001.09') || xml.includes('<!DOCTYPE'))
    throw new Error('FF01');
  const document = (parser.parse(xml, true) as Node)['Document'] as Node | undefined;
  const initiation = document?.['CstmrCdtTrfInitn'] as Node | undefined;
  if (initiation === undefined) throw new Error('FF01');
  const blocks = many(initiation['PmtInf']);
  const payments: OrderedPayment[] = [];
  for (const block of blocks) {
    const own = many(block['CdtTrfTxInf']).map((payment) => ({
      endToEndId: inside(payment, 'PmtId/EndToEndId'),
      cents: centsOf(inside(payment, 'Amt/InstdAmt')),
      name: inside(payment, 'Cdtr/Nm'),
      iban: inside(payment, 'CdtrAcct/Id/IBAN'),
      text: inside(payment, 'RmtInf/Ustrd'),
    }));
    checkSums(block, own);
    payments.push(...own);
  }
  checkSums(initiation['GrpHdr'] as Node, payments);
  return {
    messageId: inside(initiation, 'GrpHdr/MsgId'),
    blockIds: blocks.map((block) => inside(block, 'PmtInfId')),
    debtorIban: inside(blocks[0] ?? {}, 'DbtrAcct/Id/IBAN'),
    payments,
  };
}

function checkSums(header: Node, payments: readonly OrderedPayment[]): void {
  const cents = payments.reduce((sum, payment) => sum + payment.cents, 0);
  if (inside(header, 'NbOfTxs') !== String(payments.length) || centsOf(inside(header, 'CtrlSum')) !== cents)
    throw new Error('AM10');
}
