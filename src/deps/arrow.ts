/**
 * Tables in Arrow.
 *
 * @module
 */
export {
  CompressionType,
  type DataType,
  type Field,
  type Schema,
  setCompressionCodec,
  tableFromIPC,
  Type,
} from "npm:@uwdata/flechette@2.6.0";
