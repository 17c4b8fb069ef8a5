/// What is wrong with a fault script, and where: for people one sentence, for programs its parts. Plain data.
#pragma once

#include <cstddef>
#include <string>

namespace reveille::mock_providers {

struct script_fault {
  std::string what;          ///< the whole sentence, with the place
  std::size_t line = 0;      ///< of the text, counted from 1: where the JSON breaks, or where the rule begins; 0 = of the whole
  std::size_t column = 0;    ///< in octets, counted from 1
  std::size_t rule = 0;      ///< counted from 1; 0 = of no rule
  std::string field;         ///< "answer.status"; "" = of none
  std::string reason;        ///< the sentence without the place
};

/// What is wrong with one rule.
struct rule_fault {
  std::string field;
  std::string reason;
};

}  // namespace reveille::mock_providers
