import { errors, type Refusal } from './query.ts';
import { queryLimits, quoted } from './warehouse.ts';

/** Settings that bound a query: a client may ask for less than the pool gives, and gets the pool's bound if it asks for more. */
const BOUNDING = new Set(
  'max_execution_time max_memory_usage max_result_bytes max_result_rows max_rows_to_read max_bytes_to_read limit offset'.split(
    ' ',
  ),
);

/** The pool's own bounds. A result that is not streamed is held in memory. */
function boundOf(name: string, streamed: boolean): number | undefined {
  if (name === 'max_memory_usage') return queryLimits.memoryBytesMax;
  if (name === 'max_execution_time') return streamed ? queryLimits.askedSecondsMax : queryLimits.secondsMax;
  return name === 'max_result_bytes' && !streamed ? queryLimits.resultBytesMax : undefined;
}

/** Settings that say how values are written or compared. None of them is a statement, an expression or a path. */
const WORDS = new Set(
  `date_time_output_format output_format_json_quote_64bit_integers output_format_json_quote_64bit_floats
   output_format_json_quote_denormals output_format_json_quote_decimals output_format_json_named_tuples_as_objects
   output_format_decimal_trailing_zeros output_format_arrow_string_as_string output_format_parquet_string_as_string
   output_format_parquet_compression_method output_format_csv_crlf_end_of_line output_format_tsv_crlf_end_of_line
   output_format_write_statistics output_format_pretty_color output_format_pretty_max_rows
   output_format_pretty_max_value_width output_format_pretty_row_numbers join_use_nulls group_by_use_nulls
   result_overflow_mode session_timezone union_default_mode`.split(/\s+/),
);

/** Settings of the transport, or of the engine's way to an answer: clients send them, and no answer depends on them here. */
const IGNORED = new Set(
  `wait_end_of_query buffer_size send_progress_in_http_headers http_headers_progress_interval_ms enable_http_compression
   http_zlib_compression_level network_compression_method session_id session_timeout session_check query_id quota_key
   client_protocol_version role add_http_cors_header log_queries log_comment max_threads max_block_size priority readonly
   cancel_http_readonly_queries_on_client_close date_time_input_format cast_string_to_dynamic_use_inference use_query_cache
   allow_experimental_json_type http_write_exception_in_output_format http_response_buffer_size http_wait_end_of_query
   receive_timeout send_timeout connect_timeout http_receive_timeout http_send_timeout client_info
   input_format_skip_unknown_fields extremes`.split(/\s+/),
);

const NUMBER = /^[0-9]{1,15}(\.[0-9]{1,9})?$/;
const VALUE = /^[A-Za-z0-9_.+/-]{0,64}$/;

/** Returns why a query may not have these settings; undefined if it may. */
export function checkSettings(settings: Readonly<Record<string, string>>): Refusal | undefined {
  for (const [name, value] of Object.entries(settings)) {
    if (IGNORED.has(name)) continue;
    const reason = checkSetting(name, value);
    if (reason !== undefined) return { ...errors.readonly, reason };
  }
  return undefined;
}

function checkSetting(name: string, value: string): string | undefined {
  if (BOUNDING.has(name)) return NUMBER.test(value) ? undefined : `the setting ${name} must be a number`;
  if (!WORDS.has(name)) return `Cannot modify '${shown(name)}' setting in readonly mode`;
  return VALUE.test(value) ? undefined : `the setting ${name} can not have that value`;
}

/** A name that a client chose, as far as a message should repeat it. */
function shown(name: string): string {
  return name.replace(/[^A-Za-z0-9_]/g, '?').slice(0, 64);
}

/** What the engine gets of the settings that `checkSettings` has let pass, by name. `streamed`: the result is read in chunks. */
export function engineSettings(
  settings: Readonly<Record<string, string>>,
  streamed: boolean,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => {
      if (BOUNDING.has(name)) return [[name, withinBound(value, boundOf(name, streamed))]];
      return WORDS.has(name) ? [[name, value]] : [];
    }),
  );
}

/** Zero means "without a bound" to ClickHouse. */
function withinBound(value: string, bound: number | undefined): string {
  const asked = Number(value);
  return bound !== undefined && (asked === 0 || asked > bound) ? String(bound) : value;
}

/** As a list for SET. */
export function settingList(settings: Readonly<Record<string, string | number>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${typeof value === 'number' ? value : quoted(value)}`)
    .join(', ');
}
