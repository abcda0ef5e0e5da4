#include <memory>

#include <avro.h>
#include <avro/consumer.h>

#include "lake/avro_codec_internal.h"

namespace tarn::lake {
namespace {

using Kind = AvroType::Kind;

struct SchemaRelease {
  void operator()(avro_schema_t s) const { avro_schema_decref(s); }
};
struct ReaderRelease {
  void operator()(avro_reader_t r) const { avro_reader_free(r); }
};
struct WriterRelease {
  void operator()(avro_writer_t w) const { avro_writer_free(w); }
};
using SchemaHandle = std::unique_ptr<std::remove_pointer_t<avro_schema_t>, SchemaRelease>;
using ReaderHandle = std::unique_ptr<std::remove_pointer_t<avro_reader_t>, ReaderRelease>;
using WriterHandle = std::unique_ptr<std::remove_pointer_t<avro_writer_t>, WriterRelease>;

// libavro's schema for a type, under names of ours. Text is bytes and an enum is a long there: the same on
// the wire, and free of libavro's rules about NULs and symbols.
SchemaHandle make_schema(const AvroType& type, int& names) {
  switch (type.kind) {
    case Kind::kNull:
      return SchemaHandle(avro_schema_null());
    case Kind::kBoolean:
      return SchemaHandle(avro_schema_boolean());
    case Kind::kInt:
      return SchemaHandle(avro_schema_int());
    case Kind::kLong:
    case Kind::kEnum:
      return SchemaHandle(avro_schema_long());
    case Kind::kFloat:
      return SchemaHandle(avro_schema_float());
    case Kind::kDouble:
      return SchemaHandle(avro_schema_double());
    case Kind::kBytes:
    case Kind::kString:
      return SchemaHandle(avro_schema_bytes());
    case Kind::kFixed:
      return SchemaHandle(avro_schema_fixed(("n" + std::to_string(++names)).c_str(), type.bytes));
    default:
      break;
  }
  SchemaHandle out;
  if (type.kind == Kind::kRecord)
    out.reset(avro_schema_record(("n" + std::to_string(++names)).c_str(), nullptr));
  if (type.kind == Kind::kUnion) out.reset(avro_schema_union());
  int index = 0;
  for (const AvroField& part : type.parts) {
    SchemaHandle inner = make_schema(part.type, names);
    if (!inner) return nullptr;
    int error = 0;
    if (type.kind == Kind::kArray) out.reset(avro_schema_array(inner.get()));
    if (type.kind == Kind::kMap) out.reset(avro_schema_map(inner.get()));
    if (type.kind == Kind::kUnion) error = avro_schema_union_append(out.get(), inner.get());
    if (type.kind == Kind::kRecord)
      error = avro_schema_record_field_append(out.get(), ("f" + std::to_string(index)).c_str(), inner.get());
    if (error || !out) return nullptr;
    ++index;
  }
  return out;
}

// One node of a tree of consumers, which libavro calls as it decodes; user data is the Datum to fill.
struct Node {
  avro_consumer_t consumer{};  // the first member: libavro hands back its address
  std::vector<std::unique_ptr<Node>> parts;
};

Node& node_of(avro_consumer_t* consumer) {
  return *reinterpret_cast<Node*>(consumer);
}
Datum& datum_of(void* data) {
  return *static_cast<Datum*>(data);
}

int on_boolean(avro_consumer_t*, int value, void* data) {
  datum_of(data).value = value != 0;
  return 0;
}
int on_int(avro_consumer_t*, int32_t value, void* data) {
  datum_of(data).value = static_cast<int64_t>(value);
  return 0;
}
int on_long(avro_consumer_t*, int64_t value, void* data) {
  datum_of(data).value = value;
  return 0;
}
int on_float(avro_consumer_t*, float value, void* data) {
  datum_of(data).value = static_cast<double>(value);
  return 0;
}
int on_double(avro_consumer_t*, double value, void* data) {
  datum_of(data).value = value;
  return 0;
}
int on_null(avro_consumer_t*, void* data) {
  datum_of(data).value = std::monostate();
  return 0;
}
// libavro gives the buffer away with the call: length + 1 bytes for bytes, the length for fixed.
int on_bytes(avro_consumer_t*, const void* value, size_t length, void* data) {
  datum_of(data).value.emplace<std::string>(static_cast<const char*>(value), length);
  avro_free(const_cast<void*>(value), length + 1);
  return 0;
}
int on_fixed(avro_consumer_t*, const void* value, size_t length, void* data) {
  datum_of(data).value.emplace<std::string>(static_cast<const char*>(value), length);
  avro_free(const_cast<void*>(value), length);
  return 0;
}
int on_block(avro_consumer_t*, int first, unsigned int, void* data) {
  if (first) datum_of(data).value.emplace<Datum::List>();
  return 0;
}
int on_element(avro_consumer_t* consumer, unsigned int, avro_consumer_t** element, void** element_data,
               void* data) {
  auto& list = std::get<Datum::List>(datum_of(data).value);
  list.emplace_back();
  *element = &node_of(consumer).parts[0]->consumer;
  *element_data = &list.back();
  return 0;
}
int on_entry(avro_consumer_t* consumer, unsigned int, const char* key, avro_consumer_t** value,
             void** value_data, void* data) {
  auto& list = std::get<Datum::List>(datum_of(data).value);
  list.emplace_back().value = std::string(key);
  list.emplace_back();
  *value = &node_of(consumer).parts[0]->consumer;
  *value_data = &list.back();
  return 0;
}
int on_record(avro_consumer_t* consumer, void* data) {
  datum_of(data).value.emplace<Datum::List>(node_of(consumer).parts.size());
  return 0;
}
int on_field(avro_consumer_t* consumer, unsigned int index, avro_consumer_t** field, void** field_data,
             void* data) {
  auto& list = std::get<Datum::List>(datum_of(data).value);
  *field = &node_of(consumer).parts[index]->consumer;
  *field_data = &list[index];
  return 0;
}
int on_branch(avro_consumer_t* consumer, unsigned int branch, avro_consumer_t** chosen, void** chosen_data,
              void* data) {
  auto& parts = node_of(consumer).parts;
  if (branch >= parts.size()) return EINVAL;
  *chosen = &parts[branch]->consumer;
  *chosen_data = data;
  return 0;
}

std::unique_ptr<Node> make_node(const AvroType& type, avro_schema_t schema) {
  auto node = std::make_unique<Node>();
  avro_consumer_t& c = node->consumer;
  c.schema = schema;
  c.boolean_value = on_boolean;
  c.int_value = on_int;
  c.long_value = on_long;
  c.float_value = on_float;
  c.double_value = on_double;
  c.null_value = on_null;
  c.bytes_value = on_bytes;
  c.fixed_value = on_fixed;
  c.array_start_block = on_block;
  c.array_element = on_element;
  c.map_start_block = on_block;
  c.map_element = on_entry;
  c.record_start = on_record;
  c.record_field = on_field;
  c.union_branch = on_branch;
  int index = 0;
  for (const AvroField& part : type.parts) {
    avro_schema_t inner = nullptr;
    if (type.kind == Kind::kRecord) inner = avro_schema_record_field_get_by_index(schema, index);
    if (type.kind == Kind::kUnion) inner = avro_schema_union_branch(schema, index);
    if (type.kind == Kind::kArray) inner = avro_schema_array_items(schema);
    if (type.kind == Kind::kMap) inner = avro_schema_map_values(schema);
    node->parts.push_back(make_node(part.type, inner));
    ++index;
  }
  return node;
}

// The branch of a union that a value is of: null or not; our schemas have no other unions.
int branch_of(const AvroType& type, const Datum& datum) {
  for (size_t i = 0; i < type.parts.size(); ++i)
    if ((type.parts[i].type.kind == Kind::kNull) == datum.null()) return static_cast<int>(i);
  return -1;
}

bool fill(avro_value_t value, const AvroType& type, const Datum& datum);

bool fill_list(avro_value_t value, const AvroType& type, const Datum::List& list) {
  avro_value_t part;
  if (type.kind == Kind::kRecord) {
    if (list.size() != type.parts.size()) return false;
    for (size_t i = 0; i < list.size(); ++i)
      if (avro_value_get_by_index(&value, i, &part, nullptr) || !fill(part, type.parts[i].type, list[i]))
        return false;
    return true;
  }
  for (const Datum& item : list)
    if (avro_value_append(&value, &part, nullptr) || !fill(part, type.parts[0].type, item)) return false;
  return type.kind == Kind::kArray;
}

bool fill(avro_value_t value, const AvroType& type, const Datum& datum) {
  if (type.kind == Kind::kUnion) {
    int index = branch_of(type, datum);
    avro_value_t branch;
    return index >= 0 && avro_value_set_branch(&value, index, &branch) == 0 &&
           fill(branch, type.parts[index].type, datum);
  }
  if (datum.null()) return type.kind == Kind::kNull && avro_value_set_null(&value) == 0;
  if (auto* b = std::get_if<bool>(&datum.value))
    return type.kind == Kind::kBoolean && avro_value_set_boolean(&value, *b) == 0;
  if (auto* n = std::get_if<int64_t>(&datum.value)) {
    if (type.kind == Kind::kInt)
      return *n >= INT32_MIN && *n <= INT32_MAX && avro_value_set_int(&value, static_cast<int32_t>(*n)) == 0;
    return type.kind == Kind::kLong && avro_value_set_long(&value, *n) == 0;
  }
  if (auto* d = std::get_if<double>(&datum.value)) {
    if (type.kind == Kind::kFloat) return avro_value_set_float(&value, static_cast<float>(*d)) == 0;
    return type.kind == Kind::kDouble && avro_value_set_double(&value, *d) == 0;
  }
  if (auto* list = std::get_if<Datum::List>(&datum.value)) return fill_list(value, type, *list);
  auto& text = std::get<std::string>(datum.value);
  // libavro takes a pointer that isn't const, and only reads it.
  char* bytes = const_cast<char*>(text.data());
  if (type.kind == Kind::kFixed)
    return static_cast<int64_t>(text.size()) == type.bytes &&
           avro_value_set_fixed(&value, bytes, text.size()) == 0;
  return (type.kind == Kind::kBytes || type.kind == Kind::kString) &&
         avro_value_set_bytes(&value, bytes, text.size()) == 0;
}

}  // namespace

struct AvroCodec::Impl {
  const AvroType* type = nullptr;
  SchemaHandle schema;
  std::unique_ptr<Node> root;
  avro_value_iface_t* writer_class = nullptr;  // made by the first append()
  avro_value_t value{};

  ~Impl() {
    if (value.self) avro_value_decref(&value);
    if (writer_class) avro_value_iface_decref(writer_class);
  }
};

AvroCodec::AvroCodec(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AvroCodec::AvroCodec(AvroCodec&&) noexcept = default;
AvroCodec& AvroCodec::operator=(AvroCodec&&) noexcept = default;
AvroCodec::~AvroCodec() = default;

Result<AvroCodec> AvroCodec::make(const AvroType& type) {
  auto impl = std::make_unique<Impl>();
  int names = 0;
  impl->type = &type;
  impl->schema = make_schema(type, names);
  if (!impl->schema) return fail(Code::kUnsupported, "an Avro schema is one that libavro doesn't take");
  impl->root = make_node(type, impl->schema.get());
  return AvroCodec(std::move(impl));
}

Status AvroCodec::decode(std::string_view bytes, int64_t count, const std::function<Status(Datum&&)>& row) {
  auto length = static_cast<int64_t>(bytes.size());
  AvroCursor checker(bytes);
  ReaderHandle reader(avro_reader_memory(bytes.data(), length));
  if (!reader) return fail(Code::kTooLarge, "out of memory for an Avro block");
  for (int64_t i = 0; i < count; ++i) {
    // Only a row that is whole is decoded: libavro believes what the bytes say.
    if (!whole_row(*impl_->type, checker))
      return fail(Code::kCorrupt, "row " + std::to_string(i) + " of an Avro block is cut off or damaged");
    Datum datum;
    if (avro_consume_binary(reader.get(), &impl_->root->consumer, &datum))
      return fail(Code::kCorrupt, "row " + std::to_string(i) + " of an Avro block can't be decoded");
    TARN_TRY(row(std::move(datum)));
  }
  return {};
}

Status AvroCodec::append(const Datum& row, std::string& out) {
  if (!impl_->writer_class) {
    impl_->writer_class = avro_generic_class_from_schema(impl_->schema.get());
    if (!impl_->writer_class || avro_generic_value_new(impl_->writer_class, &impl_->value))
      return fail(Code::kInternal, "libavro can't make a value of a manifest's schema");
  }
  avro_value_reset(&impl_->value);
  size_t bytes = 0;
  if (!fill(impl_->value, *impl_->type, row) || avro_value_sizeof(&impl_->value, &bytes))
    return fail(Code::kInternal, "a row doesn't match its Avro schema");
  size_t before = out.size();
  out.resize(before + bytes);
  WriterHandle writer(avro_writer_memory(out.data() + before, static_cast<int64_t>(bytes)));
  if (!writer || avro_value_write(writer.get(), &impl_->value) ||
      avro_writer_tell(writer.get()) != static_cast<int64_t>(bytes))
    return fail(Code::kInternal, "libavro can't encode a row");
  return {};
}

}  // namespace tarn::lake
