/** Environment variables of a sandbox party, read once at its start; what is missing is named. */
export function requiredVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} must be set`);
  return value;
}

export function optionalVariable(name: string, fallback: string): string {
  const value = process.env[name];
  return value === undefined || value === '' ? fallback : value;
}

/** 0 asks the operating system for a free port; the real one is in the log line "listening". */
export function portVariable(name = 'PORT'): number {
  const port = Number(optionalVariable(name, '0'));
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`${name} is not a port`);
  return port;
}

/** Loopback, unless the party runs in a container of its own. */
export const listenHost = (): string => optionalVariable('HOST', '127.0.0.1');
