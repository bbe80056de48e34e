/**
 * Disputes against sales of a merchant id in a month, as Visa's acquirer monitoring programme (VAMP) counts them:
 * events over settled card-not-present transactions. Excessive from 1.5 % and 1,500 events a month (from 1 April 2026;
 * secondary sources: merchantcostconsulting, directpaynet). Fraud reports (TC40) reach acquirers, not us, so that the
 * programme's own figure can only be higher.
 */
export type FraudToSales = {
  readonly sales: number;
  readonly disputes: number;
  /** Null without sales. */
  readonly ratioBps: number | null;
  readonly isExcessive: boolean;
};

const excessiveBps = 150;
const excessiveEventsMin = 1_500;

export function fraudToSales(sales: number, disputes: number): FraudToSales {
  const ratioBps = sales === 0 ? null : Math.floor((disputes * 10_000) / sales);
  return {
    sales,
    disputes,
    ratioBps,
    isExcessive: disputes >= excessiveEventsMin && (ratioBps === null || ratioBps >= excessiveBps),
  };
}
