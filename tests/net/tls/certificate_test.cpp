// What Apple's push certificates say, read from PEM and PKCS#12.
#include "net/tls/certificate.hpp"

#include <gtest/gtest.h>

#include "core/system_ports.hpp"
#include "net/tls/openssl_handles.hpp"
#include "tests/net/tls/test_authority.hpp"

namespace reveille {
namespace {

const apple_marks marks{"com.example.phone",
                        "SEQWRAP,UTF8:com.example.phone", true, true};

TEST(Certificate, TellsBundleTopicsEnvironmentsAndEnd) {
  const test_authority authority;
  const certified apple = authority.issue("DNS:x.example", marks, -60, 3600);
  const auto facts = read_certificate(apple.certificate_pem);
  ASSERT_TRUE(facts.has_value()) << facts.error().what;
  EXPECT_EQ(facts->user_id, "com.example.phone");
  EXPECT_EQ(facts->topics, std::vector<std::string>{"com.example.phone"});
  EXPECT_TRUE(facts->sandbox);
  EXPECT_TRUE(facts->production);
  EXPECT_EQ(facts->fingerprint.size(), 64U);
  const auto left = facts->ends - system_clock_port().now().wall;
  EXPECT_LE(left, seconds(3600));
  EXPECT_GT(left, seconds(3500));
  EXPECT_EQ(facts->ends - facts->begins, seconds(3660));
}

TEST(Certificate, APlainOneNamesNothing) {
  const auto facts = read_certificate(test_authority().issue("DNS:x.example").certificate_pem);
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->user_id, "");
  EXPECT_TRUE(facts->topics.empty());
  EXPECT_FALSE(facts->sandbox || facts->production);
}

TEST(Certificate, TopicsThatAreNoSequenceAreNone) {
  const auto facts =
      read_certificate(test_authority().issue("DNS:x.example", {"", "UTF8:com.example.phone", false, false}).certificate_pem);
  ASSERT_TRUE(facts.has_value());
  EXPECT_TRUE(facts->topics.empty());
}

TEST(Certificate, NamesWhatIsWrongWithATextButNotWhatStandsInIt) {
  for (const char* bad : {"", "SECRET", "-----BEGIN CERTIFICATE-----\nSECRET\n-----END CERTIFICATE-----\n"}) {
    const auto facts = read_certificate(bad);
    ASSERT_FALSE(facts.has_value());
    EXPECT_EQ(facts.error().what, "holds no PEM certificate");
  }
}

TEST(Certificate, AKeyOfAnotherIsNoticed) {
  const test_authority authority;
  const certified a = authority.issue("DNS:a.example"), b = authority.issue("DNS:b.example");
  EXPECT_TRUE(check_key_pair({a.certificate_pem, a.private_key_pem}).has_value());
  EXPECT_EQ(check_key_pair({a.certificate_pem, b.private_key_pem}).error().what,
            "the private key does not belong to the certificate");
  EXPECT_EQ(check_key_pair({a.certificate_pem, "SECRET"}).error().what,
            "the private key is no readable PEM, or asks for a pass phrase");
}

std::string pkcs12_of(const certified& who, const std::string& password) {
  const key_ptr key = private_key_of(who.private_key_pem);
  const auto certificates = certificates_of(who.certificate_pem);
  const pkcs12_ptr made(PKCS12_create(password.c_str(), "push", key.get(), certificates.at(0).get(), nullptr, 0, 0, 0, 0, 0));
  unsigned char* der = nullptr;
  const int size = i2d_PKCS12(made.get(), &der);
  const std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

TEST(Pkcs12, GivesCertificateAndKey) {
  const certified who = test_authority().issue("DNS:x.example", marks);
  const auto opened = read_pkcs12(pkcs12_of(who, "pass"), "pass");
  ASSERT_TRUE(opened.has_value()) << opened.error().what;
  EXPECT_TRUE(check_key_pair(*opened).has_value());
  EXPECT_EQ(read_certificate(opened->certificate_pem)->user_id, "com.example.phone");
}

TEST(Pkcs12, SaysWhatIsWrong) {
  const std::string file = pkcs12_of(test_authority().issue("DNS:x.example"), "pass");
  EXPECT_EQ(read_pkcs12(file, "wrong").error().what, "cannot be opened with this password");
  EXPECT_EQ(read_pkcs12("SECRET", "pass").error().what, "is neither PEM nor PKCS#12");
  EXPECT_EQ(read_pkcs12(file.substr(0, file.size() / 2), "pass").error().what, "is neither PEM nor PKCS#12");
}

}  // namespace
}  // namespace reveille
