/** Reads pain.002, a bank's answer to a file of payments: for the file, for a block of it, or for single payments. */
import { fail, succeed, type Result } from '../../failures.ts';
import { childrenOf, elementAt, textAt, type XmlElement } from './xml-tree.ts';

export type ReportedStatus = 'accepted' | 'rejected' | 'pending';

export type PaymentStatusReport = {
  /** Of the file that is answered. */
  readonly originalMessageId: string;
  /** Of the whole file, null where it speaks of parts only. */
  readonly group: ReportedStatus | null;
  /** Of blocks of the file, by the name that the file gave them, where the bank speaks of one as a whole. */
  readonly blocks: readonly {
    readonly blockId: string;
    readonly status: ReportedStatus;
    readonly reason: string | null;
  }[];
  readonly payments: readonly {
    readonly endToEndId: string;
    readonly status: ReportedStatus;
    /** ISO reason code, such as AC04 for a closed account. */
    readonly reason: string | null;
  }[];
};

/**
 * `PART` says nothing about the whole. Accepted means taken for execution, not paid: only a booking proves that.
 * `invalid-request` for a document that is no such report.
 */
export function readPain002(document: XmlElement): Result<PaymentStatusReport> {
  const report = elementAt(document, 'CstmrPmtStsRpt');
  const group = elementAt(report, 'OrgnlGrpInfAndSts');
  const originalMessageId = textAt(group, 'OrgnlMsgId');
  if (document.name !== 'Document' || originalMessageId === null)
    return fail('invalid-request', 'The document is no payment status report.');
  const told = childrenOf(report, 'OrgnlPmtInfAndSts');
  const blocks = told.flatMap((block) => {
    const blockId = textAt(block, 'OrgnlPmtInfId');
    const status = statusOf(textAt(block, 'PmtInfSts'));
    return blockId === null || status === null ? [] : [{ blockId, status, reason: reasonOf(block) }];
  });
  const payments = told.flatMap((block) => {
    const blockStatus = statusOf(textAt(block, 'PmtInfSts'));
    const blockReason = reasonOf(block);
    return childrenOf(block, 'TxInfAndSts').flatMap((payment) => {
      const endToEndId = textAt(payment, 'OrgnlEndToEndId');
      const status = statusOf(textAt(payment, 'TxSts')) ?? blockStatus;
      return endToEndId === null || status === null
        ? []
        : [{ endToEndId, status, reason: reasonOf(payment) ?? blockReason }];
    });
  });
  return succeed({ originalMessageId, group: statusOf(textAt(group, 'GrpSts')), blocks, payments });
}

function statusOf(code: string | null): ReportedStatus | null {
  switch (code) {
    case 'ACCP':
    case 'ACSP':
    case 'ACSC':
    case 'ACTC':
    case 'ACWC':
    case 'ACCC':
      return 'accepted';
    case 'RJCT':
      return 'rejected';
    case 'PDNG':
    case 'RCVD':
      return 'pending';
    // PART, or a code of a later version: it proves nothing about any payment.
    default:
      return null;
  }
}

const reasonOf = (element: XmlElement): string | null =>
  textAt(element, 'StsRsnInf/Rsn/Cd') ?? textAt(element, 'StsRsnInf/Rsn/Prtry');
