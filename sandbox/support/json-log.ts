/** One JSON line per event on standard output, so that whoever starts a party can follow and search it. */
export type LogFields = Readonly<Record<string, unknown>>;

export function createLog(party: string) {
  return (event: string, fields: LogFields = {}): void => {
    process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), party, event, ...fields })}\n`);
  };
}

export type Log = ReturnType<typeof createLog>;
