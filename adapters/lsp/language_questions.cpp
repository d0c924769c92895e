// Questions about several documents that are open at the same time.

#include <algorithm>
#include <utility>

#include "adapters/lsp/language_server.hpp"

namespace muster::lsp {
namespace {

using Kind = LanguageQuestion::Kind;

/// Where a name is used is known of documents that the server has looked at.
bool needs_checks(Kind kind) {
  return kind == Kind::diagnostics || kind == Kind::references || kind == Kind::rename;
}

}  // namespace

void LanguageServer::ask(std::shared_ptr<const LanguageQuestion> question, Answered done) {
  const auto refuse = [&](Error why) {
    loop_.post([done = std::move(done), why = std::move(why)] { done(why); });
  };
  if (!client_->usable()) return refuse(error(ErrorCode::unavailable, "is not running"));
  if (question->documents.empty())
    return refuse(error(ErrorCode::invalid_argument, "is asked about no document"));
  for (const auto& document : question->documents)
    if (in_use(document.path))
      return refuse(error(ErrorCode::conflict, "is at " + document.path + " now"));
  const auto inquiry =
      std::make_shared<Inquiry>(Inquiry{std::move(question), std::move(done), {}, 0});
  inquiries_.insert(inquiry);
  bool known = false;
  for (const auto& document : inquiry->question->documents) {
    held_.insert(document.path);
    known = !known_.insert(document.path).second || known;
  }
  after_former(known, [weak = weak_from_this(), inquiry] {
    if (const auto self = weak.lock()) self->open_all(inquiry);
  });
}

/// All are open before the first is asked about: each sees the others as they are meant to be.
void LanguageServer::open_all(const InquiryPtr& inquiry) {
  if (!inquiries_.contains(inquiry)) return;
  if (!client_->usable()) return conclude(inquiry, error(ErrorCode::unavailable, "is not running"));
  inquiry->answer.encoding = client_->features().encoding();
  if (needs_checks(inquiry->question->kind)) return check_all(inquiry);
  for (const auto& document : inquiry->question->documents)
    client_->open(document.path, document.language_id, document.text);
  put(inquiry);
}

void LanguageServer::check_all(const InquiryPtr& inquiry) {
  const auto& documents = inquiry->question->documents;
  std::vector<CheckPtr> checks;
  inquiry->unchecked = documents.size();
  for (std::size_t i = 0; i < documents.size(); ++i) {
    inquiry->answer.documents.push_back({documents[i].path, std::vector<Diagnostic>{}});
    auto taken = [weak = weak_from_this(), inquiry, i](Result<std::vector<Diagnostic>> found) {
      inquiry->answer.documents[i].found = std::move(found);
      if (--inquiry->unchecked > 0) return;
      if (const auto self = weak.lock()) self->put(inquiry);
    };
    checks.push_back(make_check(documents[i], std::move(taken)));
    checks.back()->stays_open = true;
    checks_[documents[i].path] = checks.back();
    open(checks.back());
  }
  for (const auto& check : checks) {
    if (!is_open(check)) continue;  // the server has ended meanwhile
    LanguageServer::ask(check);
    look(check);
  }
}

/// The question itself, when the documents are as they must be.
void LanguageServer::put(const InquiryPtr& inquiry) {
  const auto& question = *inquiry->question;
  if (question.kind == Kind::diagnostics) return conclude(inquiry, ok_status());
  if (needs_checks(question.kind) && !inquiry->answer.documents.front().found)
    return conclude(inquiry, inquiry->answer.documents.front().found.error());
  const auto& path = question.documents.front().path;
  const auto weak = weak_from_this();
  const auto taking = [weak, inquiry](auto LanguageAnswer::*member) {
    return [weak, inquiry, member](auto result) {
      if (result) inquiry->answer.*member = std::move(*result);
      const auto self = weak.lock();
      if (self) self->conclude(inquiry, result ? ok_status() : Status(result.error()));
    };
  };
  const auto timeout = options_.timeout;
  if (question.kind == Kind::definition)
    return client_->definition(path, question.offset, timeout, taking(&LanguageAnswer::places));
  if (question.kind == Kind::references)
    return client_->references(path, question.offset, true, timeout,
                               taking(&LanguageAnswer::places));
  if (question.kind == Kind::hover)
    return client_->hover(path, question.offset, timeout, taking(&LanguageAnswer::text));
  client_->rename(path, question.offset, question.new_name, timeout,
                  taking(&LanguageAnswer::edits));
}

void LanguageServer::conclude(const InquiryPtr& inquiry, const Status& status) {
  if (inquiries_.erase(inquiry) == 0) return;
  for (const auto& document : inquiry->question->documents) {
    client_->close(document.path);
    held_.erase(document.path);
  }
  const auto keep = shared_from_this();
  const auto done = std::exchange(inquiry->done, nullptr);
  if (status)
    done(std::move(inquiry->answer));
  else
    done(status.error());
}

}  // namespace muster::lsp
