/**
 * The functions that a query may use: what shares, jobs and rollups are looked at with. A function is on this list if its
 * result depends on its arguments, on the clock or on chance alone. No function on it reads a file, a dictionary, another
 * table, the network or the server's environment. Names are compared in lower case, as ClickHouse compares many of them.
 */

/** Plain functions, aggregate and window functions, and what the parser writes like a function. */
const PLAIN = `
  abs acos acosh asin asinh atan atan2 atanh cbrt ceil ceiling clamp cos cosh degrees divide divideOrNull e erf erfc exp exp10
  exp2 factorial floor gcd greatest hypot intDiv intDivOrNull intDivOrZero intExp10 intExp2 isFinite isInfinite isNaN ifNotFinite
  lcm least lgamma ln log log10 log1p log2 max2 min2 minus mod modulo moduloOrNull moduloOrZero multiply negate pi plus
  positiveModulo pow power radians round roundBankers roundDown roundToExp2 sign sin sinh sqrt tan tanh tgamma trunc truncate
  widthBucket width_bucket
  and or not xor equals notEquals less lessOrEquals greater greaterOrEquals isDistinctFrom isNotDistinctFrom
  if multiIf caseWithExpression caseWithoutExpression coalesce ifNull nullIf assumeNotNull isNull isNotNull isZeroOrNull
  in notIn nullIn notNullIn globalIn globalNotIn
  bitAnd bitCount bitHammingDistance bitNot bitOr bitRotateLeft bitRotateRight bitShiftLeft bitShiftRight bitSlice bitTest bitXor
  bitmaskToArray bitmaskToList byteSwap
  appendTrailingCharIfAbsent ascii base32Decode base32Encode base58Decode base58Encode base64Decode base64Encode bin char
  char_length character_length compareSubstrings concat concatWithSeparator concat_ws countMatches countSubstrings
  countSubstringsCaseInsensitive damerauLevenshteinDistance editDistance empty endsWith extract extractAll extractAllGroups
  extractGroups format from_base64 hasToken hasTokenCaseInsensitive hex ilike initcap instr isValidUTF8 jaroSimilarity
  jaroWinklerSimilarity lcase left leftPad leftUTF8 length lengthUTF8 levenshteinDistance like locate lower lowerUTF8 lpad ltrim match
  mid multiMatchAny multiMatchAnyIndex multiSearchAny multiSearchFirstIndex multiSearchFirstPosition ngramDistance ngrams
  normalizeUTF8NFC notEmpty notILike notLike octet_length overlay position positionCaseInsensitive positionUTF8
  regexpExtract regexp_extract regexp_replace repeat replace replaceAll replaceOne replaceRegexpAll replaceRegexpOne reverse
  reverseUTF8 right rightPad rightUTF8 rpad rtrim soundex space splitByChar splitByNonAlpha splitByRegexp splitByString
  splitByWhitespace startsWith str_to_map stringJaccardIndex substr substring substringIndex substring_index substringUTF8 to_base64
  tokens toValidUTF8 translate tryBase64Decode trim trimBoth trimLeft trimRight ucase unbin unhex upper upperUTF8
  addDays addHours addInterval addMicroseconds addMilliseconds addMinutes addMonths addNanoseconds addQuarters addSeconds addWeeks
  addYears addDate age changeDay changeHour changeMinute changeMonth changeSecond changeYear curdate current_date current_timestamp
  date dateAdd dateDiff dateName dateSub dateTrunc date_add date_bin date_diff date_format date_sub date_trunc day dayOfMonth
  dayOfWeek dayOfYear formatDateTime fromUnixTimestamp fromUnixTimestamp64Micro fromUnixTimestamp64Milli fromUnixTimestamp64Nano
  fromUnixTimestamp64Second from_unixtime hour last_day makeDate makeDate32 makeDateTime makeDateTime64 microsecond millisecond minute
  month monthName nanosecond now now64 nowInBlock parseDateTime parseDateTimeBestEffort parseDateTimeBestEffortOrNull
  parseDateTimeBestEffortOrZero parseDateTime64BestEffort quarter second serverTimeZone subDate subtractDays subtractHours
  subtractInterval subtractMicroseconds subtractMilliseconds subtractMinutes subtractMonths subtractNanoseconds subtractQuarters
  subtractSeconds subtractWeeks subtractYears timeDiff timeSlot timeSlots timeZone timeZoneOf timeZoneOffset time_bucket timestamp
  timestampAdd timestampDiff timestampSub timestamp_add timestamp_diff timestamp_sub timezone toDayOfMonth toDayOfWeek toDayOfYear
  toDaysInMonth toHour toISOWeek toISOYear toLastDayOfMonth toLastDayOfWeek toMicrosecond toMillisecond toMinute toMonday toMonth
  toNanosecond toQuarter toRelativeDayNum toRelativeHourNum toRelativeMinuteNum toRelativeMonthNum toRelativeSecondNum
  toRelativeWeekNum toRelativeYearNum toSecond toStartOfDay toStartOfFifteenMinutes toStartOfFiveMinute toStartOfFiveMinutes
  toStartOfHour toStartOfInterval toStartOfISOYear toStartOfMicrosecond toStartOfMillisecond toStartOfMinute toStartOfMonth
  toStartOfNanosecond toStartOfQuarter toStartOfSecond toStartOfTenMinutes toStartOfWeek toStartOfYear toTimeZone toTimezone
  toUnixTimestamp toUnixTimestamp64Micro toUnixTimestamp64Milli toUnixTimestamp64Nano toUnixTimestamp64Second toWeek toYear
  toYearWeek toYYYYMM toYYYYMMDD toYYYYMMDDhhmmss to_unixtime today tumble tumbleEnd tumbleStart week year yearweek yesterday
  array arrayAll arrayAvg arrayCompact arrayConcat arrayCount arrayCumSum arrayCumSumNonNegative arrayDifference arrayDistinct
  arrayDotProduct arrayElement arrayElementOrNull arrayEnumerate arrayEnumerateDense arrayEnumerateUniq arrayExists arrayFill
  arrayFilter arrayFirst arrayFirstIndex arrayFirstOrNull arrayFlatten arrayFold arrayIntersect arrayJoin arrayLast arrayLastIndex
  arrayLastOrNull arrayMap arrayMax arrayMin arrayPartialReverseSort arrayPartialSort arrayPopBack arrayPopFront arrayProduct
  arrayPushBack arrayPushFront arrayReduce arrayReduceInRanges arrayRemove arrayResize arrayReverse arrayReverseFill
  arrayReverseSort arrayReverseSplit arrayRotateLeft arrayRotateRight arrayShiftLeft arrayShiftRight arrayShuffle arraySlice
  arraySort arraySplit arrayStringConcat arraySum arrayTopK arrayTranspose arrayUnion arrayUniq arrayWithConstant arrayZip
  countEqual flatten has hasAll hasAny hasSubstr indexOf range unnest
  map mapAdd mapAll mapApply mapConcat mapContains mapContainsKey mapExists mapFilter mapFromArrays mapKeys mapPopulateSeries
  mapSort mapSubtract mapUpdate mapValues
  tuple tupleConcat tupleDivide tupleElement tupleMinus tupleMultiply tupleNames tupleNegate tuplePlus untuple flattenTuple
  cast accurateCast accurateCastOrDefault accurateCastOrNull byteSize defaultValueOfArgumentType defaultValueOfTypeName
  finalizeAggregation identity ignore materialize reinterpret toBool toColumnTypeName toJSONString toLowCardinality toNullable
  toTypeName toTime transform
  cityHash64 crc32 crc32IEEE crc64 farmFingerprint64 farmHash64 halfMD5 intHash32 intHash64 javaHash keccak256 md5 metroHash64
  murmurHash2_32 murmurHash2_64 murmurHash3_128 murmurHash3_32 murmurHash3_64 ripemd160 sha1 sha224 sha256 sha384 sha512 sipHash128
  sipHash64 wyHash64 xxHash32 xxHash64 xxh3
  IPv4CIDRToRange IPv4NumToString IPv4NumToStringClassC IPv4StringToNum IPv4StringToNumOrDefault IPv4StringToNumOrNull IPv4ToIPv6
  IPv6CIDRToRange IPv6NumToString IPv6StringToNum IPv6StringToNumOrDefault IPv6StringToNumOrNull cutIPv6 isIPAddressInRange
  isIPv4String isIPv6String toIPv4 toIPv4OrDefault toIPv4OrNull toIPv4OrZero toIPv6 toIPv6OrDefault toIPv6OrNull toIPv6OrZero
  JSONArrayLength JSONExtract JSONExtractArrayRaw JSONExtractBool JSONExtractFloat JSONExtractInt JSONExtractKeys
  JSONExtractKeysAndValues JSONExtractRaw JSONExtractString JSONExtractUInt JSONHas JSONLength JSONType JSON_VALUE isValidJSON
  simpleJSONExtractFloat simpleJSONExtractInt simpleJSONExtractString simpleJSONExtractUInt simpleJSONHas
  domain domainWithoutWWW fragment netloc path pathFull port protocol topLevelDomain
  bar formatReadableDecimalSize formatReadableQuantity formatReadableSize formatReadableTimeDelta parseReadableSize parseTimeDelta
  sparkbar visibleWidth
  blockNumber blockSize currentDatabase currentUser database displayName isConstant isDecimalOverflow neighbor revision
  rowNumberInAllBlocks rowNumberInBlock runningAccumulate runningDifference runningDifferenceStartingWithFirstValue sleep sleepEachRow throwIf uptime user version
  rand rand32 rand64 randCanonical randConstant randNormal randUniform generateUUIDv4
  geoDistance greatCircleDistance seriesDecomposeSTL seriesOutliersDetectTukey
  cume_dist dense_rank denseRank exponentialMovingAverage lag lagInFrame lead leadInFrame nonNegativeDerivative nth_value ntile
  percent_rank percentRank rank row_number
  grouping columns
`;

/** Aggregate functions, which may have combinators such as `-If` behind their name. */
const AGGREGATE = `
  any anyHeavy anyLast any_value argMax argMin avg avgWeighted array_agg boundingRatio categoricalInformationValue contingency corr
  corrStable count covarPop covarSamp cramersV deltaSum deltaSumTimestamp entropy exponentialTimeDecayedAvg
  exponentialTimeDecayedCount exponentialTimeDecayedMax exponentialTimeDecayedSum first_value groupArray groupArrayInsertAt
  groupArrayIntersect groupArrayLast groupArrayMovingAvg groupArrayMovingSum groupArraySample groupArraySorted groupBitAnd groupBitOr
  groupBitXor groupBitmap groupConcat group_concat groupUniqArray histogram intervalLengthSum kurtPop kurtSamp last_value
  largestTriangleThreeBuckets lttb mannWhitneyUTest max maxIntersections maxIntersectionsPosition maxMap max_by median
  medianDeterministic medianExact medianExactHigh medianExactLow medianExactWeighted medianTDigest medianTiming min minMap min_by
  quantile quantileBFloat16 quantileDD quantileDeterministic quantileExact quantileExactExclusive quantileExactHigh
  quantileExactInclusive quantileExactLow quantileExactWeighted quantileGK quantileInterpolatedWeighted quantileTDigest
  quantileTDigestWeighted quantileTiming quantileTimingWeighted quantiles quantilesDD quantilesExact quantilesExactExclusive
  quantilesExactInclusive quantilesGK quantilesTDigest quantilesTiming retention sequenceCount sequenceMatch simpleLinearRegression
  singleValueOrNull skewPop skewSamp std stddev stddevPop stddevPopStable stddevSamp stddevSampStable stddev_pop stddev_samp
  string_agg studentTTest sum sumCount sumKahan sumMap sumMapFiltered sumWithOverflow topK topKWeighted uniq uniqCombined
  uniqCombined64 uniqExact uniqHLL12 uniqUpTo varPop varPopStable varSamp varSampStable var_pop var_samp welchTTest windowFunnel
`;
const COMBINATORS =
  /(?:if|array|map|state|merge|distinct|ordefault|ornull|foreach|resample|simplestate|argmin|argmax)$/;

/** Tables that a query may make of nothing. */
const TABLES = 'generateSeries generate_series numbers numbers_mt values view zeros zeros_mt';

/** Types with arguments, as `CAST(x AS Decimal(9, 2))` has one. */
const TYPES = `
  AggregateFunction Array DateTime DateTime64 Decimal Decimal128 Decimal256 Decimal32 Decimal64 Enum Enum16 Enum8 FixedString
  LowCardinality Map Nested Nullable SimpleAggregateFunction Time64 Tuple Variant
`;

/** Words of the grammar that a bracket may follow. */
const GRAMMAR = `
  all and any array as asc between by case columns cube desc describe distinct else end except exists explain fill filter from
  global having ilike in intersect interpolate interval is join like limit not offset on or order over partition plan prewhere
  qualify replace rollup select sets step syntax table then to totals tree union using values when where window with ast pipeline
  estimate apply materialized some
`;

const namesOf = (text: string): readonly string[] =>
  text
    .split(/\s+/)
    .filter((name) => name !== '')
    .map((name) => name.toLowerCase());

/** `toUInt64`, `toDateOrNull`, `reinterpretAsFloat32`: a name for each type and way. */
function conversions(): readonly string[] {
  const sizes = (stem: string, ...bits: readonly number[]): readonly string[] => bits.map((count) => `${stem}${count}`);
  const integers = [...sizes('int', 8, 16, 32, 64, 128, 256), ...sizes('uint', 8, 16, 32, 64, 128, 256)];
  const numbers = [...integers, 'float32', 'float64'];
  const texts = ['string', 'fixedstring', 'uuid'];
  const times = ['date', 'date32', 'datetime', 'datetime32', 'datetime64'];
  const intervals = 'second minute hour day week month quarter year millisecond microsecond nanosecond'.split(' ');
  return [
    ...[...numbers, ...texts, ...times, ...sizes('decimal', 32, 64, 128, 256)].flatMap((type) =>
      ['', 'ornull', 'orzero', 'ordefault'].map((way) => `to${type}${way}`),
    ),
    ...[...numbers, ...texts, ...times].map((type) => `reinterpretas${type}`),
    ...intervals.map((unit) => `tointerval${unit}`),
  ];
}

const aggregates = new Set(namesOf(AGGREGATE));
const functions = new Set([...namesOf(PLAIN), ...conversions(), ...aggregates]);
const callables = new Set([...functions, ...namesOf(TABLES), ...namesOf(TYPES), ...namesOf(GRAMMAR)]);

/** Returns true if a query may use the function, called or merely named. `name` is in lower case. */
export function isAllowedFunction(name: string): boolean {
  return functions.has(name) || isCombination(name);
}

/** Returns true if a bracket may follow `name`, which is in lower case: a function, a table made of nothing, a type, a keyword. */
export function mayBeCalled(name: string): boolean {
  return callables.has(name) || isCombination(name);
}

/** An aggregate function with combinators, `sumIf` or `uniqExactMergeState`. */
function isCombination(name: string): boolean {
  for (let stem = name; ; ) {
    const shorter = stem.replace(COMBINATORS, '');
    if (shorter === stem) return false;
    if (aggregates.has(shorter)) return true;
    stem = shorter;
  }
}
