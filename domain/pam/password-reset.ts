/** How long a link to a new password lives, and how often it may be asked for. */

/** Long enough for a slow mail server, short enough for a mailbox that somebody else opens later. */
export const passwordResetMs = 30 * 60_000;

/** Requests for one address of mail from one caller in a window, before further ones are refused. */
export const resetRequestsMax = 5;
/** Requests of one caller for whatever addresses: many people share one, and a list of accounts is longer. */
export const resetRequestsPerAddressMax = 60;
export const resetWindowMs = 60 * 60_000;

/** Mails to one player in a window, whoever asks from wherever: further requests are answered alike and send nothing. */
export const resetMailsMax = 5;
