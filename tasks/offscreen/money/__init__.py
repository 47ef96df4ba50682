"""What is asked, what it costs and what is answered: budgets, accounts, prices, estimates."""
