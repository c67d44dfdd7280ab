return answers
