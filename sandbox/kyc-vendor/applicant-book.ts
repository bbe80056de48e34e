/** Applicants and their reviews, as the vendor keeps them. Documents are kept as a digest and a size, never as the file. */
import { randomBytes } from 'node:crypto';
import type { StateStore } from '../support/state-store.ts';

export const kycTables = `
create table if not exists setting (name text primary key, value text not null);
create table if not exists applicant (
  id text primary key, external_user_id text not null unique, inspection_id text not null, level_name text not null, info text not null,
  document text, review_status text not null default 'init', review_result text, attempt integer not null default 0,
  created_at_ms integer not null, reviewed_at_ms integer);
create table if not exists access_token (token text primary key, applicant_id text not null, expires_at_ms integer not null);
create table if not exists event (correlation_id text primary key, applicant_id text not null, type text not null, created_at_ms integer not null);
`;

type ReviewStatus = 'init' | 'pending' | 'queued' | 'onHold' | 'completed';

export interface ReviewResult {
  reviewAnswer: 'GREEN' | 'RED';
  rejectLabels?: string[];
  reviewRejectType?: 'FINAL' | 'RETRY';
  moderationComment?: string;
  clientComment?: string;
}

export interface ApplicantInfo {
  firstName?: string;
  lastName?: string;
  dob?: string;
  country?: string;
  documentNumber?: string;
}

export interface Applicant {
  id: string;
  externalUserId: string;
  inspectionId: string;
  levelName: string;
  info: ApplicantInfo;
  reviewStatus: ReviewStatus;
  reviewResult: ReviewResult | undefined;
  attempt: number;
  createdAtMs: number;
  reviewedAtMs: number | null;
}

interface Row {
  id: string;
  external_user_id: string;
  inspection_id: string;
  level_name: string;
  info: string;
  review_status: ReviewStatus;
  review_result: string | null;
  attempt: number;
  created_at_ms: number;
  reviewed_at_ms: number | null;
}

const fromRow = (row: Row): Applicant => ({
  id: row.id,
  externalUserId: row.external_user_id,
  inspectionId: row.inspection_id,
  levelName: row.level_name,
  info: JSON.parse(row.info) as ApplicantInfo,
  reviewStatus: row.review_status,
  attempt: row.attempt,
  createdAtMs: row.created_at_ms,
  reviewResult: row.review_result === null ? undefined : (JSON.parse(row.review_result) as ReviewResult),
  reviewedAtMs: row.reviewed_at_ms,
});

const newId = () => randomBytes(12).toString('hex');

export type ApplicantBook = ReturnType<typeof createApplicantBook>;

export function createApplicantBook(store: StateStore) {
  const find = (id: string) => {
    const row = store.one<Row>('select * from applicant where id = ?', id);
    return row === undefined ? undefined : fromRow(row);
  };
  return {
    find,
    findByUser(externalUserId: string): Applicant | undefined {
      const row = store.one<Row>('select * from applicant where external_user_id = ?', externalUserId);
      return row === undefined ? undefined : fromRow(row);
    },
    create(externalUserId: string, levelName: string, info: ApplicantInfo): Applicant {
      const id = newId();
      store.run(
        'insert into applicant (id, external_user_id, inspection_id, level_name, info, created_at_ms) values (?, ?, ?, ?, ?, ?)',
        id,
        externalUserId,
        newId(),
        levelName,
        JSON.stringify(info),
        Date.now(),
      );
      const created = find(id);
      if (created === undefined) throw new Error('an applicant vanished');
      return created;
    },
    changeLevel(id: string, levelName: string): void {
      store.run(
        `update applicant set level_name = ?, review_status = 'init', review_result = null where id = ?`,
        levelName,
        id,
      );
    },
    submit(id: string, info: ApplicantInfo, document: { sha256: string; size: number } | undefined): void {
      store.run(
        `update applicant set info = ?, document = ?, review_status = 'pending', review_result = null, attempt = attempt + 1 where id = ?`,
        JSON.stringify(info),
        document === undefined ? null : JSON.stringify(document),
        id,
      );
    },
    hold: (id: string) => store.run(`update applicant set review_status = 'onHold' where id = ?`, id),
    complete(id: string, result: ReviewResult): void {
      store.run(
        `update applicant set review_status = 'completed', review_result = ?, reviewed_at_ms = ? where id = ?`,
        JSON.stringify(result),
        Date.now(),
        id,
      );
    },
    reset: (id: string) =>
      store.run(`update applicant set review_status = 'init', review_result = null where id = ?`, id),
    mintToken(applicantId: string, ttlSeconds: number): string {
      const token = `_act-sbx-${randomBytes(24).toString('base64url')}`;
      store.run(
        'insert into access_token values (?, ?, ?)',
        token,
        applicantId,
        Date.now() + ttlSeconds * 1000,
      );
      return token;
    },
    applicantOfToken(token: string): Applicant | undefined {
      const row = store.one<{ applicant_id: string; expires_at_ms: number }>(
        'select * from access_token where token = ?',
        token,
      );
      return row === undefined || row.expires_at_ms < Date.now() ? undefined : find(row.applicant_id);
    },
  };
}
