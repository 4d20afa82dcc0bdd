#include "harness/base/elf.h"

#include <elf.h>

#include <algorithm>
#include <fstream>

namespace sockdrill {

namespace {

class Elf final {
 public:
  explicit Elf(const std::string& file) : file_(file, std::ios::binary | std::ios::ate) {
    if (!file_) return;
    size_ = static_cast<std::uint64_t>(file_.tellg());
    is_elf_ = read(0, SELFMAG) == ELFMAG;
    const std::string octets = read(0, sizeof(Elf64_Ehdr));
    if (!is_elf_ || octets.empty() || octets[EI_CLASS] != ELFCLASS64) return;
    header_ = first<Elf64_Ehdr>(octets);
    sections_ = all<Elf64_Shdr>(read(header_.e_shoff, header_.e_shnum * sizeof(Elf64_Shdr)));
    if (header_.e_shstrndx < sections_.size()) names_ = contents(sections_[header_.e_shstrndx]);
  }

  [[nodiscard]] bool is_elf() const { return is_elf_; }
  /// For 64-bit machines; all zero otherwise.
  [[nodiscard]] const Elf64_Ehdr& header() const { return header_; }
  std::vector<Elf64_Phdr> segments() {
    return all<Elf64_Phdr>(read(header_.e_phoff, header_.e_phnum * sizeof(Elf64_Phdr)));
  }

  [[nodiscard]] const std::vector<Elf64_Shdr>& sections() const { return sections_; }
  /// `use(symbol, name)` for all that the file itself has; until one is enough (true).
  template <typename Use>
  void for_each_symbol(Use use) {
    for (const Elf64_Shdr& section : sections_) {
      if (section.sh_type != SHT_SYMTAB) continue;
      const std::string names = contents_of_link(section);
      for (const Elf64_Sym& one : all<Elf64_Sym>(contents(section))) {
        if (one.st_shndx != SHN_UNDEF && use(one, text_at(names, one.st_name))) return;
      }
    }
  }
  [[nodiscard]] std::string name_of(const Elf64_Shdr& section) const {
    return std::string(text_at(names_, section.sh_name));
  }
  std::string contents(const Elf64_Shdr& section) {
    return read(section.sh_offset, section.sh_size);
  }
  /// The section that another one refers to.
  std::string contents_of_link(const Elf64_Shdr& section) {
    return section.sh_link < sections_.size() ? contents(sections_[section.sh_link]) : "";
  }

  static std::string_view text_at(std::string_view table, std::size_t place) {
    if (place >= table.size()) return {};
    return table.substr(place, table.find('\0', place) - place);
  }
  template <typename Part>
  static std::vector<Part> all(const std::string& octets) {
    std::vector<Part> parts(octets.size() / sizeof(Part));
    octets.copy(reinterpret_cast<char*>(parts.data()), parts.size() * sizeof(Part));
    return parts;
  }

 private:
  template <typename Part>
  static Part first(const std::string& octets) {
    const std::vector<Part> parts = all<Part>(octets);
    return parts.empty() ? Part{} : parts.front();
  }
  /// "" for what does not lie in the file.
  std::string read(std::uint64_t from, std::uint64_t size) {
    if (from > size_ || size > size_ - from) return {};
    std::string octets(size, '\0');
    file_.seekg(static_cast<std::streamoff>(from));
    file_.read(octets.data(), static_cast<std::streamsize>(size));
    return file_ ? octets : "";
  }

  std::ifstream file_;
  std::uint64_t size_ = 0;
  bool is_elf_ = false;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Shdr> sections_;
  std::string names_;
};

constexpr Elf64_Half kOurMachine = EM_X86_64;

}  // namespace

ElfStart start_of_elf(const std::string& file) {
  Elf elf(file);
  if (!elf.is_elf()) return ElfStart::not_elf;
  if (elf.header().e_machine != kOurMachine) return ElfStart::foreign;
  const std::vector<Elf64_Phdr> segments = elf.segments();
  const bool names_a_loader = std::any_of(segments.begin(), segments.end(),
                                          [](const auto& one) { return one.p_type == PT_INTERP; });
  return names_a_loader ? ElfStart::interpreted : ElfStart::alone;
}

std::vector<ElfSection> sections_in_elf(const std::string& file) {
  const Elf elf(file);
  std::vector<ElfSection> sections;
  for (const Elf64_Shdr& section : elf.sections())
    sections.push_back(
        {.name = elf.name_of(section), .address = section.sh_addr, .size = section.sh_size});
  return sections;
}

std::vector<ElfSymbol> symbols_in_elf(const std::string& file, ElfKind kind) {
  Elf elf(file);
  std::vector<ElfSymbol> symbols;
  const unsigned char type = kind == ElfKind::variable   ? STT_OBJECT
                             : kind == ElfKind::function ? STT_FUNC
                                                         : STT_TLS;
  elf.for_each_symbol([&](const Elf64_Sym& one, std::string_view name) {
    if (ELF64_ST_TYPE(one.st_info) == type && one.st_shndx < elf.sections().size())
      symbols.push_back({.name = std::string(name),
                         .address = one.st_value,
                         .size = one.st_size,
                         .section = one.st_shndx});
    return false;
  });
  return symbols;
}

std::optional<std::uint64_t> address_in_elf(const std::string& file, std::string_view symbol) {
  Elf elf(file);
  std::optional<std::uint64_t> address;
  elf.for_each_symbol([&](const Elf64_Sym& one, std::string_view name) {
    if (name == symbol) address = one.st_value;
    return address.has_value();
  });
  return address;
}

}  // namespace sockdrill
