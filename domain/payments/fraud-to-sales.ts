/**
 * Fraud and disputes against sales of a merchant id in a month, as Visa's acquirer monitoring programme (VAMP) counts
 * them: (fraud reports TC40 + disputes TC15) over settled card-not-present transactions. Excessive from 1.5 % and 1,500
 * events a month (from 1 April 2026; secondary sources: merchantcostconsulting, directpaynet, qualpay).
 *
 * A charge that was reported and disputed counts as two events: the formula adds messages, and none of the sources takes
 * a pair off (Rapyd says that such a charge counts once, and gives no rule of Visa for it). The figure can therefore be
 * too high, and never too low; `onBoth` says by how much. A report counts however it ended: a refund does not take it back.
 */
export type FraudToSales = {
  readonly sales: number;
  /** First chargebacks; an inquiry is none, and a second one is the same dispute. */
  readonly disputes: number;
  readonly fraudReports: number;
  /** Reports of the month whose deposit has a chargeback, too, whenever that was opened. */
  readonly onBoth: number;
  /** Null without sales. */
  readonly ratioBps: number | null;
  readonly isExcessive: boolean;
};

export type FraudCounts = Pick<FraudToSales, 'sales' | 'disputes' | 'fraudReports' | 'onBoth'>;

const excessiveBps = 150;
const excessiveEventsMin = 1_500;

export function fraudToSales({ sales, disputes, fraudReports, onBoth }: FraudCounts): FraudToSales {
  const events = disputes + fraudReports;
  const ratioBps = sales === 0 ? null : Math.floor((events * 10_000) / sales);
  return {
    sales,
    disputes,
    fraudReports,
    onBoth,
    ratioBps,
    isExcessive: events >= excessiveEventsMin && (ratioBps === null || ratioBps >= excessiveBps),
  };
}
