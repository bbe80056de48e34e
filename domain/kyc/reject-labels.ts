/** The vendor's reject labels in our own closed list: the only words about a refusal that a player may be shown. */
export const rejectReasons = [
  'document-unreadable',
  'document-expired',
  'document-incomplete',
  'document-not-accepted',
  'selfie-mismatch',
  'address-not-proven',
  'data-mismatch',
  'underage',
  'not-accepted',
] as const;

export type RejectReason = (typeof rejectReasons)[number];

const byVendorLabel: ReadonlyMap<string, RejectReason> = new Map<string, RejectReason>([
  ['UNSATISFACTORY_PHOTOS', 'document-unreadable'],
  ['LOW_QUALITY', 'document-unreadable'],
  ['BAD_PROOF_OF_IDENTITY', 'document-unreadable'],
  ['SCREENSHOTS', 'document-unreadable'],
  ['BLACK_AND_WHITE', 'document-unreadable'],
  ['ID_INVALID', 'document-expired'],
  ['EXPIRATION_DATE', 'document-expired'],
  ['DOCUMENT_PAGE_MISSING', 'document-incomplete'],
  ['INCOMPLETE_DOCUMENT', 'document-incomplete'],
  ['FRONT_SIDE_MISSING', 'document-incomplete'],
  ['BACK_SIDE_MISSING', 'document-incomplete'],
  ['UNSUPPORTED_LANGUAGE', 'document-not-accepted'],
  ['WRONG_USER_REGION', 'document-not-accepted'],
  ['DOCUMENT_TEMPLATE', 'document-not-accepted'],
  ['BAD_SELFIE', 'selfie-mismatch'],
  ['SELFIE_MISMATCH', 'selfie-mismatch'],
  ['BAD_FACE_MATCHING', 'selfie-mismatch'],
  ['BAD_PROOF_OF_ADDRESS', 'address-not-proven'],
  ['WRONG_ADDRESS', 'address-not-proven'],
  ['PROBLEMATIC_APPLICANT_DATA', 'data-mismatch'],
  ['INCONSISTENT_PROFILE', 'data-mismatch'],
  ['AGE_REQUIREMENT_MISMATCH', 'underage'],
]);

/** Our reasons for the vendor's labels, without repeats; what hints at suspicion (fraud, lists) says `not-accepted`. */
export function rejectReasonsOf(vendorLabels: readonly string[]): RejectReason[] {
  const reasons = vendorLabels.map((label) => byVendorLabel.get(label) ?? 'not-accepted');
  return [...new Set(reasons)].toSorted();
}
