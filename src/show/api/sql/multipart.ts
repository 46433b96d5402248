/** Parts of a body, more than a query has parameters. */
const PARTS_MAX = 1_000;

/**
 * The fields of a multipart/form-data body (RFC 7578), by name. Returns undefined for what is no such body, for a file among the
 * parts, and for more parts than a query has.
 */
export function formFields(contentType: string, body: Buffer): Map<string, string> | undefined {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return undefined;
  // Bytes one by one, so that no encoding moves a boundary.
  const parts = `\r\n${body.toString('latin1')}`.split(`\r\n--${boundary}`);
  const last = parts.pop();
  if (parts.length === 0 || parts.length > PARTS_MAX || !last?.startsWith('--')) return undefined;
  const fields = new Map<string, string>();
  for (const part of parts.slice(1)) {
    const end = part.indexOf('\r\n\r\n');
    const head = end === -1 ? '' : part.slice(0, end);
    const [, name] = /\r\ncontent-disposition:\s*form-data;\s*name="([^"\r\n]*)"/i.exec(head) ?? [];
    if (name === undefined || /;\s*filename\*?=/i.test(head)) return undefined;
    fields.set(name, Buffer.from(part.slice(end + 4), 'latin1').toString('utf8'));
  }
  return fields;
}
