/** The PSP's own tables. Amounts are integers in the currency's minor unit; movements are the books and only ever grow. */
export const pspTables = `
create table if not exists setting (name text primary key, value text not null);
create table if not exists card (
  id text primary key, brand text not null, last4 text not null, bin text not null, exp_month integer not null,
  exp_year integer not null, fingerprint text not null, behaviour text not null, shopper text, created_at_ms integer not null);
create table if not exists payment (
  id text primary key, reference text, card_id text, amount integer not null, currency text not null, status text not null,
  captured integer not null default 0, refunded integer not null default 0, manual_capture integer not null,
  three_ds_asked integer not null default 0, return_url text, shopper text, metadata text not null, description text,
  decline text, charge_id text, challenge text, redirect_result text, result_used integer not null default 0,
  idempotency_key text, created_at_ms integer not null, visible_at_ms integer not null);
create index if not exists payment_created on payment (created_at_ms, id);
create table if not exists wallet_payment (payment_id text primary key, wallet text not null);
create table if not exists wallet_payer (payment_id text primary key, payer text not null);
create table if not exists several_captures (payment_id text primary key);
create table if not exists movement_operation (movement_id integer primary key, operation text not null);
create table if not exists operation (
  id text primary key, payment_id text not null, kind text not null, reference text, amount integer not null,
  approved integer not null, at_ms integer not null);
create table if not exists refund (
  id text primary key, payment_id text not null, reference text, amount integer not null, currency text not null,
  status text not null, metadata text not null, created_at_ms integer not null);
create table if not exists payout (
  id text primary key, reference text, destination text, amount integer not null, currency text not null, status text not null,
  shopper text, metadata text not null, description text, behaviour text not null, created_at_ms integer not null);
create table if not exists dispute (
  id text primary key, payment_id text not null, amount integer not null, currency text not null, reason text not null,
  stage text not null, status text not null, due_ms integer not null, responses integer not null default 0, evidence text,
  created_at_ms integer not null);
create table if not exists fraud_alert (
  id text primary key, payment_id text not null, fraud_type text not null, actionable integer not null, created_at_ms integer not null);
create table if not exists dispute_ending (dispute_id text primary key, ending text not null);
create table if not exists movement (
  id integer primary key, kind text not null, subject text not null, payment_id text, reference text, amount integer not null,
  currency text not null, at_ms integer not null);
create table if not exists idempotency (
  key text primary key, fingerprint text not null, status integer, body text, created_at_ms integer not null);
`;

type PaymentStatus =
  | 'created'
  | 'challenge'
  | 'authenticated'
  | 'processing'
  | 'late'
  | 'authorised'
  | 'captured'
  | 'declined'
  | 'cancelled';

export interface CardRow {
  id: string;
  brand: string;
  last4: string;
  bin: string;
  exp_month: number;
  exp_year: number;
  fingerprint: string;
  behaviour: string;
  shopper: string | null;
  created_at_ms: number;
}

export interface PaymentRow {
  id: string;
  reference: string | null;
  card_id: string | null;
  amount: number;
  currency: string;
  status: PaymentStatus;
  captured: number;
  refunded: number;
  manual_capture: number;
  three_ds_asked: number;
  return_url: string | null;
  shopper: string | null;
  metadata: string;
  description: string | null;
  decline: string | null;
  charge_id: string | null;
  challenge: string | null;
  redirect_result: string | null;
  result_used: number;
  idempotency_key: string | null;
  created_at_ms: number;
  visible_at_ms: number;
}

/** A capture or a void, as it was asked for. */
export interface OperationRow {
  id: string;
  payment_id: string;
  kind: 'capture' | 'void';
  reference: string | null;
  amount: number;
  approved: number;
  at_ms: number;
}

export interface RefundRow {
  id: string;
  payment_id: string;
  reference: string | null;
  amount: number;
  currency: string;
  status: 'pending' | 'succeeded' | 'failed';
  metadata: string;
  created_at_ms: number;
}

export interface PayoutRow {
  id: string;
  reference: string | null;
  destination: string | null;
  amount: number;
  currency: string;
  status: 'submitted' | 'pending' | 'paid' | 'failed' | 'cancelled';
  shopper: string | null;
  metadata: string;
  description: string | null;
  behaviour: string;
  created_at_ms: number;
}

/** An inquiry asks and moves nothing; a chargeback moves money; after a win it may come a second time. */
export type DisputeStage = 'inquiry' | 'chargeback' | 'second';
export type DisputeStatus = 'needs_response' | 'under_review' | 'won' | 'lost' | 'closed';

export type DisputeEnding = 'accepted' | 'canceled' | 'expired';

export interface DisputeRow {
  id: string;
  payment_id: string;
  amount: number;
  currency: string;
  reason: string;
  stage: DisputeStage;
  status: DisputeStatus;
  due_ms: number;
  responses: number;
  evidence: string | null;
  created_at_ms: number;
}

/** An issuer's report of fraud. */
export interface FraudAlertRow {
  id: string;
  payment_id: string;
  fraud_type: string;
  /** 1 until the payment is refunded or disputed. */
  actionable: number;
  created_at_ms: number;
}

export interface MovementRow {
  id: number;
  kind: 'charge' | 'refund' | 'payout' | 'dispute' | 'dispute_reversal';
  subject: string;
  payment_id: string | null;
  reference: string | null;
  amount: number;
  currency: string;
  at_ms: number;
}
